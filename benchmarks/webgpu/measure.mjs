/**
 * What `page.mjs` and `dawn.mjs` measure: our backend beside onnxruntime-web's WebGPU provider and TensorFlow.js's WebGPU
 * backend, on one adapter, in one process, with the same weights and prompts, in turns. Everything is made here; nothing is
 * downloaded.
 */
import { headPrompts, mixedCaptions, syntheticModel } from "@textower/benchmark";
import { exportTextModel } from "@textower/backend-onnx";
import { tfjs } from "@textower/backend-tfjs";
import { webgpu } from "@textower/backend-webgpu";
import { buildTextEncoder } from "@textower/model";
import { createTokenizer } from "@textower/tokenizer";
import { openCheckpoint } from "@textower/weights";
import { createTextEncoder } from "textower";
import { measureKernels } from "./kernels.mjs";

/** Tokens of a padded prompt in the original: openai/CLIP `clip/clip.py`, tokenize. */
const CONTEXT = 77;
const opening = { activation: "quick_gelu", config: null };

/** What is measured, by default. */
export const DEFAULTS = {
  /** Of `SYNTHETIC_MODELS`. */
  model: "small",
  captions: "64",
  /** Classes of the zero-shot head, 80 templates each. */
  classes: "1",
  /** Prompts of it that onnxruntime-web is measured on: to it, every prompt takes the same time. */
  padded: "16",
  rounds: "3",
  /** Those that the device would use, or all: `auto`, `all`, or `none`. GPU kernels take a software adapter long to compile. */
  kernels: "auto",
  /** Of `textower`, `tfjs`, `onnxruntime`. */
  contestants: "textower,tfjs,onnxruntime",
};

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/**
 * @param settings - as `DEFAULTS`
 * @param runtimes - `gpu`, `tf` and `ort`, `where` in words, `say`: takes each line as it is known
 * @returns plain data
 */
export async function measure(settings, { gpu, tf, ort, where, say }) {
  const adapter = await gpu?.requestAdapter();
  if (!adapter) throw new Error("there is no WebGPU adapter here");
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
  const device = [vendor, architecture, description].filter(Boolean).join(" ");
  say(`${device}; ${where}`);
  const isSoftware = isFallbackAdapter === true || /swiftshader|llvmpipe/i.test(device);
  if (isSoftware) {
    say(
      "The adapter is software: compare what stands here, and take no number for a GPU's: of those they say nothing.",
    );
  }
  const rounds = Number(settings.rounds);
  const kernels = await kernelsSection(adapter, isSoftware, settings.kernels, rounds, say);
  const model = syntheticModel(settings.model);
  const contestants = await makeContestants(model, settings.contestants.split(","), { gpu, tf, ort });
  const works = makeWorks(settings, Object.keys(contestants));
  const seconds = new Map();
  for (const { name, entries } of works) {
    for (let round = 0; round <= rounds; round++) {
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
    const ours = seconds.get(`${name}\ntextower`);
    for (const [key, values] of seconds) {
      const [work, label] = key.split("\n");
      if (work !== name) continue;
      const ratio = ours === undefined ? "" : `, ${(median(values) / median(ours)).toFixed(2)} × ours`;
      say(`${work}: ${label}: ${(1 / median(values)).toFixed(3)} prompts/s${ratio}`);
    }
  }
  const rows = [...seconds].map(([key, values]) => {
    const [work, label] = key.split("\n");
    const ours = seconds.get(`${work}\ntextower`);
    const ratio = ours === undefined ? Number.NaN : median(values) / median(ours);
    return { work, label, promptsPerSecond: 1 / median(values), ratio };
  });
  say(
    table(
      ["work", "contestant", "prompts/s", "ours is faster by"],
      rows.map((row) => [row.work, row.label, row.promptsPerSecond.toFixed(2), row.ratio.toFixed(2)]),
    ),
  );
  const profile =
    settings.kernels === "none" || !adapter.features.has("timestamp-query")
      ? undefined
      : await profileCaptions(model, gpu, Number(settings.captions), say);
  if (isSoftware) say("Once more: a software adapter. These numbers mean nothing for GPUs.");
  return { device, isSoftware, where, settings, kernels, rows, profile };
}

async function kernelsSection(adapter, isSoftware, which, rounds, say) {
  if (which === "none") return undefined;
  if (!adapter.features.has("timestamp-query")) {
    say("kernels: the adapter has no timestamps");
    return undefined;
  }
  const requiredFeatures = ["timestamp-query", "shader-f16", "subgroups"].filter((name) =>
    adapter.features.has(name),
  );
  const device = await adapter.requestDevice({ requiredFeatures });
  const ways = which === "all" ? ["plain", "gpu"] : [isSoftware ? "plain" : "gpu"];
  const { peak, bandwidth, products } = await measureKernels(device, ways, rounds);
  device.destroy();
  say(`on registers alone ${peak.toFixed(1)} GFLOP/s; copies ${bandwidth.toFixed(1)} GB/s, read and written`);
  say(
    table(
      ["product", "kernel", "GFLOP/s", "of the peak", "of the copies"],
      products.map(({ rows, inputs, outputs, variant, gflops, ofPeak, ofBandwidth }) => [
        `[${rows}, ${inputs}] × [${inputs}, ${outputs}]`,
        variant,
        gflops.toFixed(2),
        `${(100 * ofPeak).toFixed(0)} %`,
        `${(100 * ofBandwidth).toFixed(0)} %`,
      ]),
    ),
  );
  return { peak, bandwidth, products };
}

/** Where our time goes: microseconds on the device by kernel and way, for the captions. */
async function profileCaptions(model, gpu, count, say) {
  const took = new Map();
  let isWarm = false;
  const onTimings = (timings) => {
    for (const { kernel, variant, microseconds } of isWarm ? timings : []) {
      const name = `${kernel.replace(/ %\d+$/, "")} ${variant}`;
      took.set(name, (took.get(name) ?? 0) + microseconds);
    }
  };
  const encoder = await createTextEncoder({
    model,
    ...opening,
    backend: webgpu({ gpu, selfCheck: false, onTimings }),
  });
  const tokenizer = createTokenizer();
  const captions = mixedCaptions(count, (text) => tokenizer.encode(text).ids.length);
  await encoder.encode(captions);
  isWarm = true;
  await encoder.encode(captions);
  await encoder.dispose();
  const all = [...took.values()].reduce((sum, value) => sum + value, 0);
  const rows = [...took]
    .toSorted((a, b) => b[1] - a[1])
    .map(([name, microseconds]) => ({ name, microseconds, share: microseconds / all }));
  say(
    table(
      [`kernels of ${count} captions`, "ms", "share"],
      rows.map((row) => [
        row.name,
        (row.microseconds / 1000).toFixed(1),
        `${(100 * row.share).toFixed(0)} %`,
      ]),
    ),
  );
  return rows;
}

function makeWorks({ captions: count, classes, padded }, names) {
  const tokenizer = createTokenizer();
  const ids = (text) => tokenizer.encode(text).ids;
  const tokenized = (texts) => texts.map((text) => ({ text, ids: ids(text) }));
  const captions = tokenized(mixedCaptions(Number(count), (text) => ids(text).length));
  const head = tokenized(headPrompts(Number(classes)));
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
  const at77 = head.slice(0, Number(padded));
  const works = [
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
        peer(at77, 8, CONTEXT, `batches of 8, ${CONTEXT} rows each, the first ${at77.length}`),
        peer(at77, 16, 0, `batches of 16, padded to the longest, the first ${at77.length}`),
      ],
    },
  ];
  return works
    .map(({ name, entries }) => ({
      name,
      entries: entries.filter(({ contestant, prompts }) => names.includes(contestant) && prompts.length > 0),
    }))
    .filter(({ entries }) => entries.length > 0);
}

/** Name → a function that encodes prompts. */
async function makeContestants(model, names, { gpu, tf, ort }) {
  const textower = await createTextEncoder({ model, ...opening, backend: webgpu({ gpu }) });
  const texts = (prompts) => prompts.map(({ text }) => text);
  const contestants = { textower: (prompts) => textower.encode(texts(prompts)) };
  if (names.includes("tfjs") && tf !== undefined) {
    await tf.setBackend("webgpu");
    const onTfjs = await createTextEncoder({ model, ...opening, backend: tfjs({ tf }) });
    contestants.tfjs = (prompts) => onTfjs.encode(texts(prompts));
  }
  if (names.includes("onnxruntime") && ort !== undefined) {
    const session = await ort.InferenceSession.create(await publishedModel(model), {
      executionProviders: ["webgpu"],
    });
    contestants.onnxruntime = async (prompts, { batch, width }) => {
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
    };
  }
  return contestants;
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
