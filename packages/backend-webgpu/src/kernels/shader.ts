/**
 * What every shader here is made of: bindings, indices and sizes. A shader is text that is made for its shapes, so that
 * equal texts are one pipeline; only row counts and the places of inputs are read at run time, from `words`.
 *
 * Matrices are `vec4<f32>`, row-major, each row padded with zeros to a whole number of them.
 */

/** A number that a run chooses: a literal, or the index of one of the run's words. */
export type Size = { readonly literal: number } | { readonly word: number };

/** Most workgroups of a dimension of a dispatch (WebGPU, section "Limits": `maxComputeWorkgroupsPerDimension`). */
export const MOST_WORKGROUPS = 65535;

/** Threads of a workgroup where each handles one element. */
export const ELEMENTS = 64;

/** @returns elements of 4 that hold `count` numbers */
export function quads(count: number): number {
  return Math.ceil(count / 4);
}

/** WGSL of a size. */
export function sizeText(size: Size): string {
  if ("literal" in size) return `${size.literal}u`;
  return `words[${size.word >> 2}u][${size.word & 3}u]`;
}

/**
 * Declares the bindings of a kernel: the run's words, then what it reads, then what it writes.
 * @param reads - name and element type of each
 */
export function bindings(
  words: number,
  reads: readonly (readonly [name: string, element: string])[],
  write = "vec4<f32>",
): string {
  return [
    `@group(0) @binding(0) var<uniform> words: array<vec4<u32>, ${quads(words)}>;`,
    ...reads.map(
      ([name, element], i) => `@group(0) @binding(${i + 1}) var<storage, read> ${name}: array<${element}>;`,
    ),
    `@group(0) @binding(${reads.length + 1}) var<storage, read_write> y: array<${write}>;`,
  ].join("\n");
}

/** The head of a kernel in which thread `i` handles element `i` of as many as `count` says. */
export function perElement(count: string, body: string): string {
  return `
@compute @workgroup_size(${ELEMENTS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${MOST_WORKGROUPS}u + group.x) * ${ELEMENTS}u + lane;
  if (i >= ${count}) { return; }
${body}
}`;
}

/** The grid of `perElement`. */
export function elementGrid(count: number): [number, number] {
  const groups = Math.ceil(count / ELEMENTS);
  return [Math.min(groups, MOST_WORKGROUPS), Math.ceil(groups / MOST_WORKGROUPS)];
}
