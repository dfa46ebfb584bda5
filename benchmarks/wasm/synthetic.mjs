/** What the kernels' benchmarks feed a tower with. Any small numbers do: time does not depend on them. */
import { tensor } from "../../packages/graph/dist/index.js";

const value = (i) => ((i * 2654435761) % 1024) / 16384 - 1 / 32;

/** A weight source of whatever a graph asks for. */
export function madeUpWeights(graph) {
  const weightNodes = graph.nodes.filter((node) => node.op === "weight");
  return {
    read(source, range) {
      const nodes = weightNodes.filter((node) => node.source === source);
      const rows =
        range === undefined ? Math.max(...nodes.map(({ shape }) => shape[0])) : range.end - range.begin;
      const shape = [rows, ...nodes[0].shape.slice(1)];
      const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => value(i));
      return Promise.resolve(tensor("float32", shape, data));
    },
  };
}

/** Inputs of a tower: `prompts` chains of `tokens` rows. */
export function chains(width, prompts, tokens) {
  const rows = prompts * tokens;
  const list = (length, make) =>
    tensor(
      "int32",
      [length],
      Int32Array.from({ length }, (_, i) => make(i)),
    );
  const data = Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i * 0.37));
  return {
    tokens: tensor("float32", [rows, width], data),
    positions: list(rows, (i) => i % tokens),
    parents: list(rows, (i) => (i % tokens === 0 ? -1 : i - 1)),
    pooled: list(prompts, (i) => i * tokens + tokens - 1),
  };
}
