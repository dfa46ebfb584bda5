/** `packUpload`: what a run brings, in one piece: its words, its inputs, and its lists of visible rows. */
import { bindShape } from "@textower/graph";
import type { Dimensions, Inputs } from "@textower/graph";
import { quads } from "./kernels/shader.js";
import type { Plan } from "./plan.js";
import { visibleRows } from "./visible.js";

/** @returns bytes for the beginning of the upload buffer */
export function packUpload(plan: Plan, inputs: Inputs, dimensions: Dimensions): Uint8Array<ArrayBuffer> {
  const bytes = new ArrayBuffer(plan.uploadBytes);
  const words = new Uint32Array(bytes, 0, plan.words);
  let end = quads(plan.words) * 16;
  /** Takes room for `count` numbers. */
  const take = (word: number, count: number): number => {
    const at = end;
    words[word] = at / 16;
    end += quads(count) * 16;
    return at;
  };
  for (const [name, word] of plan.dimensions) words[word] = dimensions.get(name) ?? 0;
  for (const [id, word] of plan.inputs) {
    const node = plan.graph.nodes[id]!;
    if (node.op !== "input") continue;
    const { data } = inputs[node.name]!;
    const shape = bindShape(node.shape, dimensions);
    if (node.dtype === "int32") {
      new Int32Array(bytes, take(word, data.length), data.length).set(data);
      continue;
    }
    const [rows, columns] = shape.length === 1 ? [1, shape[0]!] : [shape[0]!, shape[1]!];
    const width = quads(columns) * 4;
    const floats = new Float32Array(bytes, take(word, rows * width), rows * width);
    if (width === columns) floats.set(data);
    else {
      for (let row = 0; row < rows; row++) {
        floats.set(data.subarray(row * columns, (row + 1) * columns), row * width);
      }
    }
  }
  for (const { kind, structure, queryRows, list, ranges } of plan.sights) {
    const numbers = (id: number): Int32Array => {
      const node = plan.graph.nodes[id]!;
      return inputs[node.op === "input" ? node.name : ""]!.data as Int32Array;
    };
    const seen = visibleRows(
      kind,
      numbers(structure),
      queryRows === undefined ? undefined : numbers(queryRows),
    );
    new Uint32Array(bytes, take(list, seen.list.length), seen.list.length).set(seen.list);
    new Uint32Array(bytes, take(ranges, seen.ranges.length), seen.ranges.length).set(seen.ranges);
  }
  return new Uint8Array(bytes, 0, end);
}
