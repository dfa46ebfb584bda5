/**
 * `y = activation(x · weightᵀ · scales + bias) + residual`, in three ways that give the same numbers but for rounding:
 *
 * - `direct`: a thread holds a column of 4 outputs by up to 8 rows and reads straight from the buffers. The plain one,
 *   and the fastest on adapters that are a CPU: they have no workgroup memory to be faster than.
 * - `tiled`: 256 threads share a tile of x and of the weight in workgroup memory. For many rows on a GPU.
 * - `split`: 32 threads share the sum of a column of 4 outputs. For a few rows on a GPU, where a thread per column is
 *   too few threads to keep the memory busy.
 *
 * Weights lie as [in, out], so that neighbouring threads read neighbouring outputs. Sums are float32.
 */
import type { GeluForm, Precision } from "@textower/graph";
import { activated, activationText } from "./activation.js";
import { bindings, quads, sizeText } from "./shader.js";
import type { Size } from "./shader.js";

/** What a linear computes, and how. */
export interface LinearShape {
  readonly words: number;
  readonly rows: Size;
  readonly inputs: number;
  /** Outputs of the whole matrix: the width of y, bias and residual. */
  readonly outputs: number;
  /** The outputs that this weight's part has; multiples of 4 begin one. */
  readonly part: { readonly begin: number; readonly end: number };
  readonly precision: Precision;
  /** Whether weights in float16 are read as such (`shader-f16`) or taken apart with integers. */
  readonly halves: boolean;
  readonly x: Size;
  readonly bias: boolean;
  readonly activation: GeluForm | undefined;
  readonly residual: Size | undefined;
}

/** How it is computed. */
export type LinearTile =
  | { readonly kind: "direct"; readonly rows: 1 | 2 | 4 | 8 }
  | { readonly kind: "split"; readonly rows: 1 | 2 | 4 | 8 }
  | { readonly kind: "tiled"; readonly rows: 64 | 128; readonly outputs: 64 | 128 };

const DIRECT_THREADS = 16;
const SPLIT_QUADS = 8;
const SPLITS = 32;
const TILE_INPUTS = 16;

/** Bytes of a packed weight per input and 4 outputs. */
export const QUAD_BYTES: Record<Precision, number> = { float32: 16, float16: 8, int8: 4 };

/** Workgroups for a number of rows. */
export function linearGrid(tile: LinearTile, shape: LinearShape, rows: number): [number, number] {
  const columns = quads(shape.part.end - shape.part.begin);
  const across = { direct: DIRECT_THREADS, split: SPLIT_QUADS, tiled: 0 }[tile.kind];
  return [
    Math.ceil(columns / (tile.kind === "tiled" ? tile.outputs / 4 : across)),
    Math.ceil(rows / tile.rows),
  ];
}

/** WGSL of a linear. */
export function linearShader(tile: LinearTile, shape: LinearShape): string {
  const reads: [string, string][] = [
    ["x", "vec4<f32>"],
    ["weight", weightElement(shape)],
  ];
  if (shape.precision === "int8") reads.push(["scales", "vec4<f32>"]);
  if (shape.bias) reads.push(["bias", "vec4<f32>"]);
  if (shape.residual !== undefined) reads.push(["residual", "vec4<f32>"]);
  const body = { direct, split, tiled }[tile.kind];
  return [
    ...(shape.precision === "float16" && shape.halves ? ["enable f16;"] : []),
    bindings(shape.words, reads),
    activationText(shape.activation),
    weightText(shape),
    finishText(shape),
    body(tile as never, shape),
  ].join("\n");
}

function weightElement({ precision, halves }: LinearShape): string {
  if (precision === "float32") return "vec4<f32>";
  if (precision === "int8") return "u32";
  return halves ? "vec4<f16>" : "vec2<u32>";
}

/** Reads 4 outputs of input k. */
function weightText(shape: LinearShape): string {
  const at = `weight[k * ${quads(shape.part.end - shape.part.begin)}u + column]`;
  const reads = {
    float32: `return ${at};`,
    float16: shape.halves
      ? `return vec4<f32>(${at});`
      : `let w = ${at}; return vec4<f32>(unpack2x16float(w.x), unpack2x16float(w.y));`,
    int8: `let w = bitcast<i32>(${at});
  return vec4<f32>(vec4<i32>(w << 24u, w << 16u, w << 8u, w) >> vec4<u32>(24u));`,
  };
  return `fn weightAt(k: u32, column: u32) -> vec4<f32> { ${reads[shape.precision]} }`;
}

/** Writes a sum; `column` counts from the beginning of the part. */
function finishText(shape: LinearShape): string {
  const width = quads(shape.outputs);
  const first = shape.part.begin / 4;
  const { residual } = shape;
  return `
fn finish(sum: vec4<f32>, row: u32, column: u32) {
  let at = row * ${width}u + ${first}u + column;
  var value = sum${shape.precision === "int8" ? " * scales[column]" : ""};
  ${shape.bias ? `value += bias[${first}u + column];` : ""}
  value = ${activated(shape.activation, "value")};
  ${residual === undefined ? "" : `value += residual[${sizeText(residual)} + at];`}
  y[at] = value;
}`;
}

function times(count: number, text: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => text(index)).join("\n");
}

function direct({ rows }: { rows: number }, shape: LinearShape): string {
  const inputs = quads(shape.inputs);
  return `
@compute @workgroup_size(${DIRECT_THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let rows = ${sizeText(shape.rows)};
  let column = group.x * ${DIRECT_THREADS}u + lane;
  if (column >= ${quads(shape.part.end - shape.part.begin)}u) { return; }
  let row = group.y * ${rows}u;
  // Rows beyond the last repeat it and are not written.
  ${times(rows, (r) => `let x${r} = ${sizeText(shape.x)} + min(row + ${r}u, rows - 1u) * ${inputs}u; var sum${r} = vec4<f32>();`)}
  for (var q = 0u; q < ${inputs}u; q++) {
    ${times(rows, (r) => `let a${r} = x[x${r} + q];`)}
    ${times(4, (i) => `{ let b = weightAt(q * 4u + ${i}u, column); ${times(rows, (r) => `sum${r} += a${r}[${i}] * b;`)} }`)}
  }
  ${times(rows, (r) => `if (row + ${r}u < rows) { finish(sum${r}, row + ${r}u, column); }`)}
}`;
}

function split({ rows }: { rows: number }, shape: LinearShape): string {
  const inputs = quads(shape.inputs);
  const columns = quads(shape.part.end - shape.part.begin);
  return `
var<workgroup> parts: array<vec4<f32>, ${SPLIT_QUADS * SPLITS}>;
@compute @workgroup_size(${SPLIT_QUADS * SPLITS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let rows = ${sizeText(shape.rows)};
  let part = lane / ${SPLIT_QUADS}u;
  let wanted = group.x * ${SPLIT_QUADS}u + lane % ${SPLIT_QUADS}u;
  let column = min(wanted, ${columns - 1}u);
  let row = group.y * ${rows}u;
  ${times(rows, (r) => `let x${r} = ${sizeText(shape.x)} + min(row + ${r}u, rows - 1u) * ${inputs}u; var sum${r} = vec4<f32>();`)}
  for (var q = part; q < ${inputs}u; q += ${SPLITS}u) {
    ${times(rows, (r) => `let a${r} = x[x${r} + q];`)}
    ${times(4, (i) => `{ let b = weightAt(q * 4u + ${i}u, column); ${times(rows, (r) => `sum${r} += a${r}[${i}] * b;`)} }`)}
  }
  ${times(
    rows,
    (r) => `
  parts[lane] = sum${r};
  workgroupBarrier();
  if (part == 0u && wanted < ${columns}u && row + ${r}u < rows) {
    var sum = vec4<f32>();
    for (var p = 0u; p < ${SPLITS}u; p++) { sum += parts[p * ${SPLIT_QUADS}u + lane]; }
    finish(sum, row + ${r}u, column);
  }
  workgroupBarrier();`,
  )}
}`;
}

function tiled({ rows, outputs }: { rows: number; outputs: number }, shape: LinearShape): string {
  const inputs = quads(shape.inputs);
  const columns = quads(shape.part.end - shape.part.begin);
  const across = outputs / 4; // quads of a tile
  const deep = TILE_INPUTS / 4;
  const [down, right] = [rows / 16, outputs / 64]; // of one thread: rows, quads
  const xLoads = (rows * deep) / 256;
  const weightLoads = (TILE_INPUTS * across) / 256;
  const sum = (r: number, c: number): string => `sum${r}_${c}`;
  return `
var<workgroup> xTile: array<vec4<f32>, ${rows * deep}>; // [rows][quads of inputs]
var<workgroup> weightTile: array<vec4<f32>, ${TILE_INPUTS * across}>; // [inputs][quads of outputs]
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let rows = ${sizeText(shape.rows)};
  let firstRow = group.y * ${rows}u;
  let firstColumn = group.x * ${across}u;
  let right = lane % 16u;
  let down = (lane / 16u) * ${down}u;
  ${times(down, (r) => times(right, (c) => `var ${sum(r, c)} = vec4<f32>();`))}
  for (var q = 0u; q < ${inputs}u; q += ${deep}u) {
    ${times(
      xLoads,
      (i) => `{
      let at = lane + ${i * 256}u;
      let row = min(firstRow + at / ${deep}u, rows - 1u);
      let quad = q + at % ${deep}u;
      xTile[at] = select(vec4<f32>(), x[${sizeText(shape.x)} + row * ${inputs}u + min(quad, ${inputs - 1}u)], quad < ${inputs}u);
    }`,
    )}
    ${times(
      weightLoads,
      (i) => `{
      let at = lane + ${i * 256}u;
      let k = min(q * 4u + at / ${across}u, ${inputs * 4 - 1}u);
      weightTile[at] = weightAt(k, min(firstColumn + at % ${across}u, ${columns - 1}u));
    }`,
    )}
    workgroupBarrier();
    for (var p = 0u; p < ${deep}u; p++) {
      ${times(down, (r) => `let a${r} = xTile[(down + ${r}u) * ${deep}u + p];`)}
      ${times(
        4,
        (i) => `{
        ${times(right, (c) => `let b${c} = weightTile[(p * 4u + ${i}u) * ${across}u + right + ${c * 16}u];`)}
        ${times(down, (r) => times(right, (c) => `${sum(r, c)} += a${r}[${i}] * b${c};`))}
      }`,
      )}
    }
    workgroupBarrier();
  }
  ${times(down, (r) =>
    times(
      right,
      (c) => `if (firstRow + down + ${r}u < rows && firstColumn + right + ${c * 16}u < ${columns}u) {
    finish(${sum(r, c)}, firstRow + down + ${r}u, firstColumn + right + ${c * 16}u);
  }`,
    ),
  )}
}`;
}
