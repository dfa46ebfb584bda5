/**
 * WebGPU in a page: our backend beside onnxruntime-web's WebGPU provider and TensorFlow.js's WebGPU backend, on the same
 * adapter, with the same weights and prompts, in turns. Everything is made here; nothing is downloaded.
 *
 * The address says what: `?model=small&captions=64&classes=1&rounds=3`. What comes out stands in the page, on the console,
 * and in `globalThis.report`.
 */
import { headPrompts, mixedCaptions, syntheticModel } from "@textower/benchmark";
import { exportTextModel } from "@textower/backend-onnx";
import { tfjs } from "@textower/backend-tfjs";
import { webgpu } from "@textower/backend-webgpu";
import { GraphBuilder, tensor } from "@textower/graph";
import { buildTextEncoder } from "@textower/model";
import { createTokenizer } from "@textower/tokenizer";
import { openCheckpoint } from "@textower/weights";
import { createTextEncoder } from "textower";

const parameters = new URLSearchParams(location.search);
const number = (name, fallback) => Number(parameters.get(name) ?? fallback);
const rounds = number("rounds", 3);
/** Tokens of a padded prompt in the original: openai/CLIP `clip/clip.py`, tokenize. */
const CONTEXT = 77;
/** Prompts of a turn at 77 rows each, where every prompt takes the same time. */
const CONTEXT_PROMPTS = 16;
const opening = { activation: "quick_gelu", config: null };

const say = (line) => {
  document.body.append(Object.assign(document.createElement("pre"), { textContent: line }));
  console.log(line);
};
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

try {
  globalThis.report = await main();
} catch (error) {
  say(`failed: ${error.stack}`);
  globalThis.report = { error: String(error) };
}

async function main() {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error("there is no WebGPU adapter here");
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
  const device = [vendor, architecture, description].filter(Boolean).join(" ");
  say(`${device}; ${navigator.userAgent}`);
  if (isFallbackAdapter || /swiftshader|llvmpipe/i.test(device)) {
    say("The adapter is software: compare what stands in this page, and take no number for a GPU's.");
  }
  const kernels = await measureKernels();
  const model = syntheticModel(parameters.get("model") ?? "small");
  const contestants = await makeContestants(model);
  const works = makeWorks();
  const seconds = new Map();
  for (let round = 0; round <= rounds; round++) {
    for (const { name, entries } of works) {
      for (let turn = 0; turn < entries.length; turn++) {
        const { contestant, prompts, setting, label } = entries[(turn + round) % entries.length];
        const begin = performance.now();
        await contestants[contestant](prompts, setting);
        const took = (performance.now() - begin) / 1000;
        if (round === 0) continue; // a warm-up: shaders are compiled
        const key = `${name}\n${label}`;
        seconds.set(key, [...(seconds.get(key) ?? []), took / prompts.length]);
      }
    }
  }
  const rows = [...seconds].map(([key, values]) => {
    const [work, label] = key.split("\n");
    const ours = median(seconds.get(`${work}\ntextower`));
    const theirs = median(values);
    return { work, label, promptsPerSecond: 1 / theirs, ratio: theirs / ours };
  });
  say(
    table(
      ["work", "contestant", "prompts/s", "ours is faster by"],
      rows.map((row) => [row.work, row.label, row.promptsPerSecond.toFixed(2), row.ratio.toFixed(2)]),
    ),
  );
  return { device, userAgent: navigator.userAgent, model: model.name, rounds, kernels, rows };

  function makeWorks() {
    const tokenizer = createTokenizer();
    const ids = (text) => tokenizer.encode(text).ids;
    const tokenized = (texts) => texts.map((text) => ({ text, ids: ids(text) }));
    const captions = tokenized(mixedCaptions(number("captions", 64), (text) => ids(text).length));
    const head = tokenized(headPrompts(number("classes", 1)));
    const one = tokenized(["a photo of a cat"]);
    const ours = (prompts) =>
      ["textower", "tfjs"].map((contestant) => ({
        contestant,
        label: contestant === "tfjs" ? "our graph on tfjs, webgpu" : contestant,
        prompts,
      }));
    const peer = (prompts, batch, width, label) => ({
      contestant: "onnxruntime",
      label: `onnxruntime-web, webgpu, ${label}`,
      prompts,
      setting: { batch, width },
    });
    return [
      { name: "one prompt", entries: [...ours(one), peer(one, 1, 0, "no padding")] },
      {
        name: `${captions.length} captions`,
        entries: [
          ...ours(captions),
          peer(captions, 1, 0, "one by one"),
          peer(captions, 16, 0, "batches of 16, padded to the longest"),
        ],
      },
      {
        name: `head, ${head.length} prompts`,
        entries: [
          ...ours(head),
          peer(
            head.slice(0, CONTEXT_PROMPTS),
            8,
            CONTEXT,
            `batches of 8, ${CONTEXT} rows each, the first ${CONTEXT_PROMPTS}`,
          ),
          peer(head, 16, 0, "batches of 16, padded to the longest"),
        ],
      },
    ];
  }
}

/** Matrix products as a graph of one node, upload and read-back included. */
async function measureKernels() {
  const results = [];
  for (const [rows, inputs, outputs] of [
    [8, 512, 2048],
    [64, 512, 2048],
    [512, 512, 2048],
  ]) {
    const g = new GraphBuilder();
    const x = g.input("x", "float32", ["rows", inputs]);
    const graph = g.build({ y: g.linear(x, g.weight("w", [outputs, inputs])) });
    const fill = (shape) => tensor("float32", shape, new Float32Array(shape[0] * shape[1]).fill(0.01));
    const executable = await webgpu({ selfCheck: false }).compile(graph, {
      read: async () => fill([outputs, inputs]),
    });
    const input = { x: fill([rows, inputs]) };
    await executable.run(input);
    const times = [];
    for (let round = 0; round < rounds; round++) {
      const begin = performance.now();
      await executable.run(input);
      times.push((performance.now() - begin) / 1000);
    }
    await executable.dispose();
    results.push({ rows, inputs, outputs, gflops: (2 * rows * inputs * outputs) / median(times) / 1e9 });
  }
  say(
    table(
      ["product", "GFLOP/s"],
      results.map(({ rows, inputs, outputs, gflops }) => [
        `[${rows}, ${inputs}] × [${inputs}, ${outputs}]`,
        gflops.toFixed(1),
      ]),
    ),
  );
  return results;
}

/** Name → a function that encodes prompts. */
async function makeContestants(model) {
  const textower = await createTextEncoder({ model, ...opening, backend: webgpu() });
  const { tf } = globalThis;
  await tf.setBackend("webgpu");
  const onTfjs = await createTextEncoder({ model, ...opening, backend: tfjs({ tf }) });
  const ort = globalThis.ort;
  ort.env.wasm.wasmPaths = "/ort/";
  const session = await ort.InferenceSession.create(await publishedModel(model), {
    executionProviders: ["webgpu"],
  });
  const texts = (prompts) => prompts.map(({ text }) => text);
  return {
    textower: (prompts) => textower.encode(texts(prompts)),
    tfjs: (prompts) => onTfjs.encode(texts(prompts)),
    async onnxruntime(prompts, { batch, width }) {
      for (let begin = 0; begin < prompts.length; begin += batch) {
        const part = prompts.slice(begin, begin + batch);
        const columns = width || Math.max(...part.map(({ ids }) => ids.length));
        const data = new BigInt64Array(part.length * columns);
        part.forEach(({ ids }, i) => data.set(BigInt64Array.from(ids, BigInt), i * columns));
        const { text_embeds: embeddings } = await session.run({
          input_ids: new ort.Tensor("int64", data, [part.length, columns]),
        });
        await embeddings.getData();
      }
    },
  };
}

/** The same weights as exporters publish them: `input_ids` → `text_embeds`. */
async function publishedModel(model) {
  const checkpoint = await openCheckpoint(model, opening);
  const { files } = exportTextModel(
    buildTextEncoder(checkpoint.descriptor),
    checkpoint,
    checkpoint.descriptor,
  );
  const pieces = [];
  for await (const piece of files[0].pieces()) pieces.push(piece);
  await checkpoint.close();
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

function table(headings, rows) {
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i].length)));
  const line = (cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  return [line(headings), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
