/**
 * Attention over packed rows. Which rows a query sees stands in a list (`visible.ts`), so the kernel touches no other
 * row and holds no matrix of scores: the softmax is computed as it goes (Milakov and Gimelshein, "Online normalizer
 * calculation for softmax", algorithm 3).
 *
 * - `plain`: one thread for each head of a query row.
 * - `cooperative`: one workgroup for each, 64 keys at a time: a thread per key for the scores, one per column for the
 *   sums. For GPUs, which read the rows of keys and values together that way.
 */
import { bindings, perElement, sizeText } from "./shader.js";
import type { Size } from "./shader.js";

/** A range of columns of a matrix; widths count the padding. */
export interface View {
  readonly base: Size;
  /** Numbers from one row to the next. */
  readonly stride: number;
  readonly begin: number;
}

/** See the file's head. */
export interface AttentionShape {
  readonly words: number;
  /** Query rows. */
  readonly rows: Size;
  readonly heads: number;
  readonly size: number;
  readonly query: View;
  readonly key: View;
  readonly value: View;
  /** Where the list, and the beginning and length of each query row's part of it, lie. */
  readonly list: Size;
  readonly ranges: Size;
  readonly stride: number;
  readonly kind: "plain" | "cooperative";
}

const THREADS = 64;

/** WGSL of an attention. */
export function attentionShader(shape: AttentionShape): string {
  const head = bindings(
    shape.words,
    [
      ["query", "f32"],
      ["key", "f32"],
      ["value", "f32"],
      ["list", "u32"],
    ],
    "f32",
  );
  return `${head}\n${shape.kind === "plain" ? plain(shape) : cooperative(shape)}`;
}

function at(view: View, row: string, head: string, size: number): string {
  return `${sizeText(view.base)} * 4u + ${row} * ${view.stride}u + ${view.begin}u + ${head} * ${size}u`;
}

function range(shape: AttentionShape): string {
  return `let begin = ${sizeText(shape.list)} * 4u + list[${sizeText(shape.ranges)} * 4u + 2u * row];
  let count = list[${sizeText(shape.ranges)} * 4u + 2u * row + 1u];`;
}

function plain(shape: AttentionShape): string {
  const { size, heads } = shape;
  return perElement(
    `${sizeText(shape.rows)} * ${heads}u`,
    `  let row = i / ${heads}u;
  let head = i % ${heads}u;
  ${range(shape)}
  let q = ${at(shape.query, "row", "head", size)};
  var highest = -3.0e38;
  var total = 0.0;
  var sums: array<f32, ${size}>;
  for (var j = 0u; j < count; j++) {
    let seen = list[begin + j];
    let k = ${at(shape.key, "seen", "head", size)};
    let v = ${at(shape.value, "seen", "head", size)};
    var score = 0.0;
    for (var d = 0u; d < ${size}u; d++) { score += query[q + d] * key[k + d]; }
    score *= ${1 / Math.sqrt(size)};
    let before = highest;
    highest = max(highest, score);
    let keep = exp(max(before - highest, -100.0));
    let share = exp(score - highest);
    total = total * keep + share;
    for (var d = 0u; d < ${size}u; d++) { sums[d] = sums[d] * keep + share * value[v + d]; }
  }
  let to = row * ${shape.stride}u + head * ${size}u;
  for (var d = 0u; d < ${size}u; d++) { y[to + d] = sums[d] / total; }`,
  );
}

function cooperative(shape: AttentionShape): string {
  const { size } = shape;
  const columns = Math.ceil(size / THREADS); // of a thread
  const each = (text: (c: number) => string): string =>
    Array.from({ length: columns }, (_, c) => text(c)).join("\n    ");
  return `
var<workgroup> q: array<f32, ${size}>;
var<workgroup> scores: array<f32, ${THREADS}>;
var<workgroup> seen: array<u32, ${THREADS}>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let head = group.x;
  let row = group.z * 65535u + group.y;
  if (row >= ${sizeText(shape.rows)}) { return; }
  ${range(shape)}
  for (var d = lane; d < ${size}u; d += ${THREADS}u) { q[d] = query[${at(shape.query, "row", "head", size)} + d]; }
  var highest = -3.0e38;
  var total = 0.0;
  ${each((c) => `var sum${c} = 0.0;`)}
  for (var block = 0u; block < count; block += ${THREADS}u) {
    let length = min(count - block, ${THREADS}u);
    workgroupBarrier();
    if (lane < length) {
      let other = list[begin + block + lane];
      let k = ${at(shape.key, "other", "head", size)};
      var score = 0.0;
      for (var d = 0u; d < ${size}u; d++) { score += q[d] * key[k + d]; }
      scores[lane] = score * ${1 / Math.sqrt(size)};
      seen[lane] = other;
    }
    workgroupBarrier();
    let before = highest;
    for (var j = 0u; j < length; j++) { highest = max(highest, scores[j]); }
    let keep = exp(max(before - highest, -100.0));
    total *= keep;
    ${each((c) => `sum${c} *= keep;`)}
    for (var j = 0u; j < length; j++) {
      let share = exp(scores[j] - highest);
      let v = ${at(shape.value, "seen[j]", "head", size)};
      total += share;
      ${each((c) => `if (lane + ${c * THREADS}u < ${size}u) { sum${c} += share * value[v + lane + ${c * THREADS}u]; }`)}
    }
  }
  let to = row * ${shape.stride}u + head * ${size}u + lane;
  ${each((c) => `if (lane + ${c * THREADS}u < ${size}u) { y[to + ${c * THREADS}u] = sum${c} / total; }`)}
}`;
}
