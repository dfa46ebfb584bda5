/**
 * How far the golden embeddings are from what each runtime gives, by precision: the table in the README.
 *
 *     node scripts/deviation.mjs [--golden tiny,vit-b-32]
 */
import { parseArgs } from "node:util";
import { onnx } from "@textower/backend-onnx";
import { difference, loadGolden, syntheticWeights, towerInputs } from "@textower/conformance";
import { buildTextEncoder, packRows } from "@textower/model";
import * as ortNode from "onnxruntime-node";
import * as ortWeb from "onnxruntime-web";

const { values: args } = parseArgs({ options: { golden: { type: "string", default: "tiny,vit-b-32" } } });

ortWeb.env.wasm.numThreads = 1;
const RUNTIMES = {
  "onnxruntime-node, cpu, shared": { ort: ortNode, executionProviders: ["cpu"], threads: 2 },
  "onnxruntime-node, cpu, packed": {
    ort: ortNode,
    executionProviders: ["cpu"],
    threads: 2,
    weights: "packed",
  },
  "onnxruntime-web, wasm": { ort: ortWeb, executionProviders: ["wasm"] },
};

for (const name of args.golden.split(",")) {
  const { descriptor, spec, tokens, embeddings } = await loadGolden(name);
  const weights = syntheticWeights(spec);
  const packed = packRows(tokens.map((ids) => ({ ids })));
  const inputs = towerInputs(packed, weights, descriptor.width);
  for (const [runtime, options] of Object.entries(RUNTIMES)) {
    for (const precision of ["float32", "float16"]) {
      const compiling = { precision, maxRows: packed.ids.length };
      const executable = await onnx(options).compile(buildTextEncoder(descriptor), weights, compiling);
      const { embedding } = await executable.run(inputs);
      const found = difference(embedding.data, embeddings.flat(), descriptor.embedDim);
      console.log(name, runtime, precision, found, `${executable.info.memoryBytes} bytes`);
      await executable.dispose();
    }
  }
}
