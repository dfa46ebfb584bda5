/** Hidden states for image generators: rows of the original implementation, padding and all. */
import { reference } from "@textower/backend-reference";
import { wasm } from "@textower/backend-wasm";
import { difference, loadGolden, syntheticWeights, towerInputs } from "@textower/conformance";
import type { Golden } from "@textower/conformance";
import { buildTextEncoder, packRows } from "@textower/model";
import type { Checkpoint } from "@textower/weights";
import { beforeAll, describe, expect, test } from "vitest";
import { openConditioningTower, openStableDiffusionXL, towerUse } from "../src/index.js";

/** What agreement with the original means for hidden states: they are larger than embeddings. */
const TOLERANCE = 1e-4;
const END = 49407;

let golden: Golden;
let model: Checkpoint;
/** Prompts of which the original's hidden states are known, as tokens. */
let prompts: { ids: number[] }[];
beforeAll(async () => {
  golden = await loadGolden("tiny");
  model = checkpointOf(golden);
  prompts = golden.hidden!.prompts.map((i) => ({ ids: [...golden.tokens[i]!] }));
});

/** A golden tower as an open checkpoint. */
function checkpointOf({ name, spec, descriptor }: Golden): Checkpoint {
  const weights = syntheticWeights(spec);
  const tokenEmbedding = {
    rows: descriptor.vocabSize,
    width: descriptor.width,
    read: (ids: Int32Array, into: Float32Array) => Promise.resolve(void into.set(weights.tokenRows(ids))),
  };
  const pooling = { rule: "argmax", endOfText: END };
  return {
    read: weights.read,
    name,
    warnings: [],
    descriptor: { ...descriptor, padId: 0, pooling },
    tokenEmbedding,
    close: () => Promise.resolve(),
  } as unknown as Checkpoint;
}

/** Rows of a prompt as a pipeline pads it, by the reference and the graph alone. [77, width] */
async function paddedRows(ids: readonly number[], pad: number, output: "last" | `hidden.${number}`) {
  const { descriptor, spec } = golden;
  const weights = syntheticWeights(spec);
  const executable = await reference().compile(buildTextEncoder(descriptor, { outputs: [output] }), weights);
  const padded = Array.from({ length: 77 }, (_, i) => ids[i] ?? pad);
  const { pooled: _, ...inputs } = towerInputs(packRows([{ ids: padded }]), weights, descriptor.width);
  const result = await executable.run(inputs);
  await executable.dispose();
  return result[output]!.data as Float32Array;
}

describe.each([
  ["sd1", "last", END],
  ["sdxl-1", "penultimate", END],
  ["sdxl-2", "penultimate", 0],
] as const)("%s", (preset, state, pad) => {
  test("gives the original's rows, and pads as its pipeline does", async () => {
    const { layers, width } = golden.descriptor;
    const output = state === "last" ? "last" : (`hidden.${layers - 1}` as const);
    await using tower = await openConditioningTower(preset, { model, backend: wasm({ threads: 1 }) });
    const { shape, data, pooled, cut } = await tower.encode(prompts);
    expect(shape).toEqual([prompts.length, 77, width]);
    expect(cut).toEqual(prompts.map(() => 0));
    for (const [i, { ids }] of prompts.entries()) {
      const rows = data.subarray(i * 77 * width, (i + 1) * 77 * width);
      // The original pads with 0, so that its padding rows are those of one preset.
      const known = golden.hidden!.states[output]![i]!.slice(0, pad === 0 ? 77 : ids.length).flat();
      expect(difference(rows.subarray(0, known.length), known, width).maxAbs).toBeLessThan(TOLERANCE);
      const whole = await paddedRows(ids, pad, output);
      expect(difference(rows, [...whole], width).maxAbs).toBeLessThan(TOLERANCE);
    }
    const embeddings = golden.hidden!.prompts.map((i) => golden.embeddings[i]!).flat();
    if (preset !== "sdxl-2") expect(pooled).toEqual(new Float32Array(0));
    else {
      const { embedDim } = golden.descriptor;
      expect(difference(pooled, embeddings, embedDim!).maxAbs).toBeLessThan(TOLERANCE);
    }
  });
});

test("sd2 gives the original's last but one rows after the final norm, padded with 0", async () => {
  const { layers, width } = golden.descriptor;
  await using tower = await openConditioningTower("sd2", { model, backend: wasm({ threads: 1 }) });
  const { shape, data, pooled } = await tower.encode(prompts);
  expect(shape).toEqual([prompts.length, 77, width]);
  expect(pooled).toHaveLength(0);
  const weights = syntheticWeights(golden.spec);
  const read = async (name: string): Promise<Float32Array> => (await weights.read(name)).data as Float32Array;
  const [scale, bias] = [await read("ln_final.weight"), await read("ln_final.bias")];
  const states = golden.hidden!.states[`hidden.${layers - 1}`]!;
  for (const [i] of prompts.entries()) {
    const expected = states[i]!.slice(0, 77).flatMap((row) => {
      const mean = row.reduce((sum, value) => sum + value, 0) / width;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
      return row.map((value, at) => ((value - mean) / Math.sqrt(variance + 1e-5)) * scale[at]! + bias[at]!);
    });
    expect(expected).toHaveLength(77 * width);
    const rows = data.subarray(i * 77 * width, (i + 1) * 77 * width);
    expect(difference(rows, expected, width).maxAbs).toBeLessThan(TOLERANCE);
  }
});

test("XL has both towers' states side by side", async () => {
  const options = { model, backend: wasm({ threads: 1 }) };
  const { width, embedDim } = golden.descriptor;
  await using both = await openStableDiffusionXL({ first: options, second: options });
  const { shape, data, pooled } = await both.encode(["a lighthouse", ""]);
  expect(shape).toEqual([2, 77, 2 * width]);
  expect(pooled).toHaveLength(2 * embedDim!);
  const first = await both.first.encode(["a lighthouse", ""]);
  const second = await both.second.encode(["a lighthouse", ""]);
  expect(data.subarray(0, width)).toEqual(first.data.subarray(0, width));
  const last = data.subarray((2 * 77 - 1) * 2 * width);
  expect(last.subarray(0, width)).toEqual(first.data.subarray((2 * 77 - 1) * width));
  expect(last.subarray(width)).toEqual(second.data.subarray((2 * 77 - 1) * width));
  await expect(both.encode(["a"], {}, [])).rejects.toThrow("expected 1 second prompts, got 0");
});

test("long prompts are an error, or cut and said so", async () => {
  await using tower = await openConditioningTower("sd1", { model, backend: wasm({ threads: 1 }) });
  await expect(tower.encode(["dog ".repeat(90)])).rejects.toMatchObject({ name: "TextTooLongError" });
  const { cut } = await tower.encode(["dog ".repeat(90), "dog"], { longText: "truncate" });
  expect(cut).toEqual([15, 0]);
});

test("presets: states, norms and padding as the pipelines have them", () => {
  expect(towerUse("sd1", 12)).toEqual({ hidden: "last", pooled: false, pad: "endOfText" });
  expect(towerUse("sd2", 24)).toEqual({ hidden: "hidden.23.norm", pooled: false, pad: 0 });
  // The file that diffusers ships has a block less.
  expect(towerUse("sd2", 23)).toEqual({ hidden: "last", pooled: false, pad: 0 });
  expect(towerUse("sdxl-1", 12)).toEqual({ hidden: "hidden.11", pooled: false, pad: "endOfText" });
  expect(towerUse("sdxl-2", 32)).toEqual({ hidden: "hidden.31", pooled: true, pad: 0 });
  expect(() => towerUse("sd9" as never, 12)).toThrow("got sd9");
  expect(() => towerUse("sd1", 1)).toThrow(RangeError);
});

test("a tower that cannot be used so is refused", async () => {
  const bare = { ...model, descriptor: { ...model.descriptor, embedDim: null } } as Checkpoint;
  const full = { ...model, descriptor: { ...model.descriptor, attention: "full" } } as Checkpoint;
  await expect(openConditioningTower("sdxl-2", { model: bare })).rejects.toThrow("with a projection");
  await expect(openConditioningTower("sd1", { model: full })).rejects.toThrow("expected a causal tower");
});
