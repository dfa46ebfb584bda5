/**
 * A backend of one's own, registered by name: it hands every graph to another backend and counts what goes through.
 *
 *   node timing.mjs
 */
import { reference } from "@textower/backend-reference";
import { printGraph } from "@textower/graph";
import { createTextEncoder, registerBackend } from "textower";

/** @param {import("@textower/graph").Backend} inner */
function counting(inner) {
  return {
    name: "counting",
    preferredRows: 64,
    isSupported: () => inner.isSupported(),
    async compile(graph, weights, options) {
      console.log(`${printGraph(graph).split("\n").length} lines of graph`);
      const executable = await inner.compile(graph, weights, options);
      let runs = 0;
      return {
        info: { ...executable.info, backend: "counting" },
        run(inputs, runOptions) {
          console.log(`run ${++runs}: ${inputs.tokens.shape[0]} rows`);
          return executable.run(inputs, runOptions);
        },
        dispose: () => executable.dispose(),
      };
    },
  };
}

registerBackend(counting(reference()));
const encoder = await createTextEncoder({ model: "shapes" });
const prompts = ["red", "green", "blue"].flatMap((color) =>
  ["star", "ring"].map((shape) => `a ${color} ${shape}`),
);
const { embeddings, rows } = await encoder.encode(prompts);
console.log(`${embeddings.length} prompts in ${rows} rows on ${encoder.info.backend}`);
await encoder.dispose();
