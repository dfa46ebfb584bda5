/**
 * transformers.js: its tokenizer and model, as its documentation uses them, both inside the measured time; padding to
 * the longest prompt of a batch. In Node it takes onnxruntime-node; for onnxruntime-web it is loaded a second time and
 * finds that runtime where it looks for one that the platform brings, `globalThis[Symbol.for("onnxruntime")]`.
 */
import { readFile } from "node:fs/promises";
import { peerModelName, peerModels } from "../peer-model.mjs";
import { webRuntime } from "./onnxruntime-web.mjs";
import { sessionOptions, split } from "./onnxruntime.mjs";

export async function transformersNode({ threads }) {
  const library = await import("@huggingface/transformers");
  return contestant(library, "onnxruntime-node", threads, {
    session_options: { intraOpNumThreads: threads },
  });
}

export async function transformersWeb({ threads }) {
  const ort = await webRuntime(threads);
  const library = await loadedWith({
    Tensor: ort.Tensor,
    InferenceSession: {
      create: async (path, options) => ort.InferenceSession.create(await readFile(path), options),
    },
  });
  // "auto" is the one device that is not looked up in a list, which is empty for a runtime from outside.
  const options = { device: "auto", session_options: { executionProviders: ["wasm"] } };
  return contestant(library, `onnxruntime-web ${ort.env.versions.web}`, threads, options);
}

/** A second copy of the library, on that runtime. */
async function loadedWith(runtime) {
  const key = Symbol.for("onnxruntime");
  globalThis[key] = runtime;
  try {
    return await import(`${import.meta.resolve("@huggingface/transformers")}?onnxruntime-web`);
  } finally {
    delete globalThis[key];
  }
}

async function contestant(library, runtime, threads, options) {
  const { AutoTokenizer, CLIPTextModelWithProjection, env } = library;
  env.allowRemoteModels = false;
  env.localModelPath = peerModels;
  const tokenizer = await AutoTokenizer.from_pretrained(peerModelName);
  const model = await CLIPTextModelWithProjection.from_pretrained(peerModelName, {
    dtype: "fp32",
    ...options,
    session_options: { ...sessionOptions, ...options.session_options },
  });
  return {
    runtime: `transformers.js ${env.version} on ${runtime}`,
    threads,
    notes: [],
    prepare(prompts, { batch }) {
      const batches = [];
      let rows = 0;
      for (let begin = 0; begin < prompts.length; begin += batch) {
        const part = prompts.slice(begin, begin + batch);
        batches.push(part.map(({ text }) => text));
        rows += part.length * Math.max(...part.map(({ ids }) => ids.length));
      }
      return { batches, rows };
    },
    async run({ batches }) {
      const vectors = [];
      for (const texts of batches) {
        const { input_ids } = tokenizer(texts, { padding: true, truncation: true });
        const { text_embeds: embeddings } = await model({ input_ids }); // [batch, embedDim]
        vectors.push(...split(embeddings.data, texts.length));
      }
      return vectors;
    },
    dispose: () => model.dispose(),
  };
}
