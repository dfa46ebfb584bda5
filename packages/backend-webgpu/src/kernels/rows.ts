/** Kernels that handle each row, or each element, by itself: gather, concat, elementwise, layer norm, transpose. */
import type { GeluForm } from "@textower/graph";
import { activated, activationText } from "./activation.js";
import { bindings, perElement, quads, sizeText } from "./shader.js";
import type { Size } from "./shader.js";

/** `y = x[rows] + addend`. */
export function gatherShader(shape: {
  readonly words: number;
  readonly rows: Size;
  readonly columns: number;
  readonly x: Size;
  readonly list: Size;
  readonly addend: Size | undefined;
}): string {
  const width = quads(shape.columns);
  const { addend } = shape;
  const reads: [string, string][] = [
    ["x", "vec4<f32>"],
    ["list", "i32"],
  ];
  if (addend !== undefined) reads.push(["addend", "vec4<f32>"]);
  return `${bindings(shape.words, reads)}
${perElement(
  `${sizeText(shape.rows)} * ${width}u`,
  `  let row = u32(list[${sizeText(shape.list)} * 4u + i / ${width}u]);
  y[i] = x[${sizeText(shape.x)} + row * ${width}u + i % ${width}u]${addend === undefined ? "" : ` + addend[${sizeText(addend)} + i]`};`,
)}`;
}

/** The rows of a, then those of b. */
export function concatShader(shape: {
  readonly words: number;
  readonly rows: Size;
  readonly first: Size;
  readonly columns: number;
  readonly a: Size;
  readonly b: Size;
}): string {
  const width = quads(shape.columns);
  return `${bindings(shape.words, [
    ["a", "vec4<f32>"],
    ["b", "vec4<f32>"],
  ])}
${perElement(
  `${sizeText(shape.rows)} * ${width}u`,
  `  let first = ${sizeText(shape.first)} * ${width}u;
  if (i < first) { y[i] = a[${sizeText(shape.a)} + i]; } else { y[i] = b[${sizeText(shape.b)} + i - first]; }`,
)}`;
}

/** `y = activation(x) + residual`. */
export function elementwiseShader(shape: {
  readonly words: number;
  readonly rows: Size;
  readonly columns: number;
  readonly x: Size;
  readonly activation: GeluForm | undefined;
  readonly residual: Size | undefined;
}): string {
  const { residual } = shape;
  const reads: [string, string][] = [["x", "vec4<f32>"]];
  if (residual !== undefined) reads.push(["residual", "vec4<f32>"]);
  return `${bindings(shape.words, reads)}
${activationText(shape.activation)}
${perElement(
  `${sizeText(shape.rows)} * ${quads(shape.columns)}u`,
  `  y[i] = ${activated(shape.activation, `x[${sizeText(shape.x)} + i]`)}${residual === undefined ? "" : ` + residual[${sizeText(residual)} + i]`};`,
)}`;
}

/** A computed weight [out, in] as a linear reads it: [in, out], both padded with zeros. One thread for 4 outputs. */
export function transposeShader(shape: {
  readonly words: number;
  readonly rows: Size;
  readonly columns: number;
  readonly x: Size;
  /** Rows of x at most: what the result is laid out for. */
  readonly capacity: number;
}): string {
  const [width, outputs] = [quads(shape.columns), quads(shape.capacity)];
  return `${bindings(shape.words, [["x", "vec4<f32>"]])}
${perElement(
  `${width * 4 * outputs}u`,
  `  let k = i / ${outputs}u;
  var value = vec4<f32>();
  for (var j = 0u; j < 4u; j++) {
    let row = (i % ${outputs}u) * 4u + j;
    if (row < ${sizeText(shape.rows)}) { value[j] = x[${sizeText(shape.x)} + row * ${width}u + k / 4u][k % 4u]; }
  }
  y[i] = value;`,
)}`;
}

/** Threads that share a row of a layer norm. */
const NORM_THREADS = 64;

/**
 * Layer norm. `plain`: one thread a row. `cooperative`: one workgroup a row, summing over subgroups where there are any.
 * Mean and variance are two passes over the row, so that a large mean costs no accuracy.
 */
export function layerNormShader(shape: {
  readonly words: number;
  readonly rows: Size;
  readonly columns: number;
  readonly x: Size;
  readonly epsilon: number;
  readonly kind: "plain" | "cooperative";
  readonly subgroups: boolean;
}): string {
  const { columns, kind } = shape;
  const width = quads(columns);
  const cooperative = kind === "cooperative";
  const [begin, step] = cooperative ? ["lane", NORM_THREADS] : ["0u", 1];
  // The padding of the last quad takes no part in the variance, and stays zero.
  const rest = columns % 4;
  const mask =
    rest === 0
      ? ""
      : `if (c == ${width - 1}u) { d *= vec4<f32>(1.0, ${[1, 2, 3].map((i) => (i < rest ? "1.0" : "0.0")).join(", ")}); }`;
  const body = `
  let at = ${sizeText(shape.x)} + row * ${width}u;
  var sums = vec4<f32>();
  for (var c = ${begin}; c < ${width}u; c += ${step}u) { sums += x[at + c]; }
  let mean = total(dot(sums, vec4<f32>(1.0)), lane) / ${columns}.0;
  var squares = vec4<f32>();
  for (var c = ${begin}; c < ${width}u; c += ${step}u) { var d = x[at + c] - mean; ${mask} squares += d * d; }
  let scale = inverseSqrt(total(dot(squares, vec4<f32>(1.0)), lane) / ${columns}.0 + ${shape.epsilon});
  for (var c = ${begin}; c < ${width}u; c += ${step}u) {
    var d = x[at + c] - mean; ${mask}
    y[row * ${width}u + c] = d * scale * weight[c] + bias[c];
  }`;
  const head = bindings(shape.words, [
    ["x", "vec4<f32>"],
    ["weight", "vec4<f32>"],
    ["bias", "vec4<f32>"],
  ]);
  if (!cooperative) {
    return `${head}
fn total(value: f32, lane: u32) -> f32 { return value; }
${perElement(sizeText(shape.rows), `let row = i;${body}`)}`;
  }
  return `${shape.subgroups ? "enable subgroups;" : ""}
${head}
${shape.subgroups ? SUBGROUP_TOTAL : TREE_TOTAL}
@compute @workgroup_size(${NORM_THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * 65535u + group.x;
  if (row >= ${sizeText(shape.rows)}) { return; }
  ${body}
}`;
}

const TREE_TOTAL = `
var<workgroup> parts: array<f32, ${NORM_THREADS}>;
fn total(value: f32, lane: u32) -> f32 {
  workgroupBarrier();
  parts[lane] = value;
  workgroupBarrier();
  for (var width = ${NORM_THREADS / 2}u; width > 0u; width /= 2u) {
    if (lane < width) { parts[lane] += parts[lane + width]; }
    workgroupBarrier();
  }
  return parts[0];
}`;

/** One sum of each subgroup, whatever its size, is added up by every thread. */
const SUBGROUP_TOTAL = `
var<workgroup> parts: array<f32, ${NORM_THREADS}>;
fn total(value: f32, lane: u32) -> f32 {
  workgroupBarrier();
  parts[lane] = 0.0;
  workgroupBarrier();
  let sum = subgroupAdd(value);
  if (subgroupElect()) { parts[lane] = sum; }
  workgroupBarrier();
  var all = 0.0;
  for (var i = 0u; i < ${NORM_THREADS}u; i++) { all += parts[i]; }
  return all;
}`;

/** The grid of a layer norm. */
export function rowGrid(rows: number): [number, number] {
  return [Math.min(rows, 65535), Math.ceil(rows / 65535)];
}
