/**
 * What is measured: the prompts of each work, and who does it in which setting. Peers get the prompts in the given
 * order and sorted by length, in the batch size that a short trial found best; beside that, the sizes that were best
 * on other machines.
 */
import { readFileSync } from "node:fs";
import { headPrompts, mixedCaptions } from "@textower/benchmark";

export const workNames = ["prompt", "captions", "head"];

/** openai/CLIP pads every prompt to its context, `clip/clip.py`, tokenize. */
const CONTEXT = 77;
/** Prompts of one turn at 77 rows each, where every prompt takes the same time. */
const CONTEXT_PROMPTS = 160;
const ONE_PROMPT = "a photo of a cat";

const longest = { rows: "longest" };
const given = { order: "given", batch: "best", ...longest };
const sorted = { order: "sorted", batch: "best", ...longest };

/**
 * @param sample - prompts of the trial that finds a batch size
 * @param idsOf - a text's token ids
 * @returns works with `prompts` ({ text, ids }), the size of the `sample`, `repeats` a turn, and `entries`
 */
export function makeWorks({ names, threads, captions, classes, sample, promptsFile, idsOf }) {
  const tokenized = (texts) => texts.map((text) => ({ text, ids: idsOf(text) }));
  const makers = {
    prompt: () => ({
      title: "One prompt at a time",
      prompts: tokenized([ONE_PROMPT]),
      repeats: 20,
      entries: [...new Set([1, threads])].flatMap((threads) =>
        promptEntries.map((entry) => ({ ...entry, threads })),
      ),
    }),
    captions: () => ({
      title: "Mixed captions",
      prompts: tokenized(mixedCaptions(captions, (text) => idsOf(text).length)),
      repeats: 1,
      entries: captionEntries.map((entry) => ({ ...entry, threads })),
    }),
    head: () => {
      const prompts = headPrompts(classes, promptsFile === undefined ? undefined : readLists(promptsFile));
      const templates = prompts.length / classes;
      return {
        title: `Zero-shot head, ${classes} classes × ${templates} templates`,
        prompts: tokenized(prompts),
        repeats: 1,
        entries: headEntries.map((entry) => ({ ...entry, threads })),
      };
    },
  };
  return names.map((name) => ({ name, sample, ...makers[name]() }));
}

/** The lists of a JSON file with `classnames` and `templates`. */
function readLists(file) {
  const { classnames, templates } = JSON.parse(readFileSync(file, "utf8"));
  return { classes: classnames, templates };
}

const promptEntries = [
  { contestant: "textower-wasm" },
  { contestant: "textower-onnx" },
  { contestant: "textower-tfjs" },
  { contestant: "onnxruntime-web", order: "given", batch: 1, ...longest },
  { contestant: "onnxruntime-node", order: "given", batch: 1, ...longest },
];

const captionEntries = [
  { contestant: "textower-wasm" },
  { contestant: "textower-wasm-int8" },
  { contestant: "textower-onnx" },
  { contestant: "textower-tfjs" },
  { contestant: "onnxruntime-web", ...given },
  { contestant: "onnxruntime-web", ...sorted },
  { contestant: "transformers-web", ...given },
  { contestant: "transformers-web", ...sorted },
  { contestant: "onnxruntime-node", ...given },
  { contestant: "onnxruntime-node", ...sorted },
  { contestant: "onnxruntime-node", ...sorted, batch: 8 },
  { contestant: "transformers-node", ...given },
  { contestant: "transformers-node", ...sorted },
];

const headEntries = [
  { contestant: "textower-wasm" },
  { contestant: "textower-onnx" },
  { contestant: "onnxruntime-node", ...given, rows: CONTEXT, limit: CONTEXT_PROMPTS },
  { contestant: "onnxruntime-web", ...given },
  { contestant: "onnxruntime-web", ...sorted },
  { contestant: "onnxruntime-node", ...given },
  { contestant: "onnxruntime-node", ...sorted },
  { contestant: "onnxruntime-node", ...sorted, batch: 32 },
];
