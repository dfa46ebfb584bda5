/**
 * A backend of one's own: each op is its formula over arrays of rows. It knows nothing of CLIP and runs it all the same,
 * with the vectors that the package's own backend gives.
 *
 *   node toy.mjs
 */
import { checkInputs, RunQueue, tensor, toFloat32, UnsupportedError, verify } from "@textower/graph";
import { wasm } from "@textower/backend-wasm";
import { createTextEncoder, registerBackend, similarity } from "textower";

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
/** [n, c] as n rows of c; a vector is one row. */
const asRows = (data, columns) =>
  Array.from({ length: data.length / columns }, (_, i) => data.subarray(i * columns, (i + 1) * columns));

/** What each op computes. `at` gives the rows that a node came to, and for inputs of indices the indices. */
const OPS = {
  gather: ({ x, rows }, at) => Array.from(at(rows), (row) => at(x)[row]),
  concat: ({ a, b }, at) => [...at(a), ...at(b)],
  add: ({ a, b }, at) => at(a).map((row, i) => row.map((value, c) => value + at(b)[i][c])),
  linear({ x, weight, bias }, at) {
    const shift = bias === undefined ? undefined : at(bias)[0];
    return at(x).map((row) => Float32Array.from(at(weight), (w, o) => dot(row, w) + (shift?.[o] ?? 0)));
  },
  layerNorm({ x, weight, bias, epsilon }, at) {
    const [[scale], [shift]] = [at(weight), at(bias)];
    return at(x).map((row) => {
      const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
      return row.map((value, c) => ((value - mean) / Math.sqrt(variance + epsilon)) * scale[c] + shift[c]);
    });
  },
  gelu({ x, form }, at) {
    if (form !== "quick") throw new UnsupportedError(`toy: expected gelu "quick", got "${form}"`);
    return at(x).map((row) => row.map((value) => value / (1 + Math.exp(-1.702 * value))));
  },
  attention({ query, key, value, heads, visibility, queryRows }, at) {
    if (visibility.kind !== "ancestors") throw new UnsupportedError("toy: expected a causal tower, got none");
    const size = (query.end - query.begin) / heads;
    const part = ({ node, begin }, row, head) =>
      at(node)[row].subarray(begin + head * size, begin + (head + 1) * size);
    return at(query.node).map((_, i) => {
      const seen = [];
      let other = queryRows === undefined ? i : at(queryRows)[i];
      for (; other >= 0; other = at(visibility.parents)[other]) seen.push(other);
      const y = new Float32Array(heads * size);
      for (let head = 0; head < heads; head++) {
        const q = part(query, i, head);
        const scores = seen.map((other) => Math.exp(dot(q, part(key, other, head)) / Math.sqrt(size)));
        const total = scores.reduce((sum, score) => sum + score, 0);
        seen.forEach((other, s) =>
          part(value, other, head).forEach((v, c) => (y[head * size + c] += (scores[s] / total) * v)),
        );
      }
      return y;
    });
  },
};

/** @returns {import("@textower/graph").Backend} */
function toy() {
  const info = { backend: "toy", device: "cpu", precision: "float32", threads: 1, memoryBytes: 0, notes: [] };
  return {
    name: "toy",
    isSupported: async () => ({ supported: true }),
    async compile(graph, weights, { precision = "float32" } = {}) {
      verify(graph);
      if (precision !== "float32") throw new UnsupportedError(`toy: expected float32, got ${precision}`);
      const held = new Map();
      for (const [id, { op, source, rows, shape }] of graph.nodes.entries()) {
        if (op === "weight") held.set(id, asRows(toFloat32(await weights.read(source, rows)), shape.at(-1)));
      }
      const queue = new RunQueue("toy");
      const run = (inputs) => {
        checkInputs(graph, inputs);
        const values = new Map(held);
        graph.nodes.forEach((node, id) => {
          if (node.op === "weight") return;
          const input = node.op === "input" ? inputs[node.name] : undefined;
          if (input === undefined)
            values.set(
              id,
              OPS[node.op](node, (other) => values.get(other)),
            );
          else values.set(id, input.shape.length === 1 ? input.data : asRows(input.data, input.shape[1]));
        });
        const outputs = Object.entries(graph.outputs).map(([name, id]) => {
          const rows = values.get(id);
          const data = Float32Array.from(rows.flatMap((row) => [...row]));
          return [name, tensor("float32", [rows.length, rows[0].length], data)];
        });
        return Object.fromEntries(outputs);
      };
      return {
        info,
        run: (inputs, { signal } = {}) => queue.run(() => run(inputs), signal),
        dispose: () => queue.dispose(() => held.clear()),
      };
    },
  };
}

registerBackend(toy());
registerBackend(wasm());
const prompts = ["a red circle", "a small blue star", "a red star"];
const vectors = [];
for (const backend of ["toy", "wasm"]) {
  const encoder = await createTextEncoder({ model: "shapes", backend });
  vectors.push((await encoder.encode(prompts)).embeddings);
  console.log(`${prompts.length} prompts on ${encoder.info.backend}`);
  await encoder.dispose();
}
const [own, theirs] = vectors;
const cosines = prompts.map((_, i) => similarity([own[i]], [theirs[i]])[0][0]);
console.log(`cosine of the two: at least ${Math.min(...cosines).toFixed(6)}`);
