/** Whole towers on ragged prompts: against the reference, and packed in different ways against themselves. */
import { tensor } from "@textower/graph";
import type { Inputs, Tensor } from "@textower/graph";
import {
  buildTextEncoder,
  keyValueNames,
  packRows,
  packSegments,
  planRuns,
  promptRows,
} from "@textower/model";
import type { PackedRows, TextEncoderDescriptor, TextEncoderOutput, TokenSequence } from "@textower/model";
import { expectClose, TOLERANCES } from "../compare.js";
import { runOn } from "../case.js";
import type { ConformanceCase, Subject } from "../case.js";
import { randomIndices } from "../random.js";
import { syntheticSpec, syntheticWeights } from "../synthetic.js";
import type { SyntheticWeights } from "../synthetic.js";

const START = 1022;
const END = 1023;

const SMALL: TextEncoderDescriptor = {
  width: 128,
  layers: 3,
  heads: 2,
  mlpWidth: 512,
  embedDim: 48,
  contextLength: 77,
  vocabSize: 1024,
  activation: "quick_gelu",
  attention: "causal",
  layerNormEpsilon: 1e-5,
};

/** The inputs of a text encoder's graph for packed rows. Pooled rows are left out for graphs that have no use for them. */
export function towerInputs(
  packed: PackedRows,
  weights: SyntheticWeights,
  width: number,
  pools = true,
): Inputs {
  const rows = packed.ids.length;
  const indices = (values: Int32Array): Tensor => tensor("int32", [values.length], values);
  return {
    tokens: tensor("float32", [rows, width], weights.tokenRows(packed.ids)),
    positions: indices(packed.positions),
    ...(packed.parents === undefined ? {} : { parents: indices(packed.parents) }),
    ...(packed.segments === undefined ? {} : { segments: indices(packed.segments) }),
    ...(pools ? { pooled: indices(packed.pooled) } : {}),
  };
}

/** Prompts of every length from the empty one to a full context, many of them beginning alike. */
export function raggedPrompts(count: number, contextLength = 77): TokenSequence[] {
  const picks = randomIndices("prompt tokens", count * contextLength, 300);
  const lengths = randomIndices("prompt lengths", count, contextLength - 1);
  return Array.from({ length: count }, (_, prompt) => {
    const body =
      prompt === 0 ? 0 : prompt === 1 ? contextLength - 2 : Math.min(lengths[prompt]!, contextLength - 2);
    // The first tokens come from few choices, so that prefixes are shared; every seventh prompt repeats another.
    const from = prompt % 7 === 6 ? prompt - 3 : prompt;
    const length = prompt % 7 === 6 ? Math.min(lengths[from]!, contextLength - 2) : body;
    const tokens = Array.from({ length }, (_, i) =>
      i < 4 ? picks[from * contextLength + i]! % 3 : picks[from * contextLength + i]!,
    );
    return { ids: [START, ...tokens, END] };
  });
}

/** Towers with every choice a checkpoint can make, hidden states, and packing in three ways. */
export function towerCases(): ConformanceCase[] {
  return [
    tower("causal, quick_gelu", SMALL, ["embedding"]),
    tower("causal, gelu, head size 72", { ...SMALL, width: 144, mlpWidth: 400, activation: "gelu" }, [
      "embedding",
    ]),
    tower("causal, gelu_tanh, no projection", { ...SMALL, embedDim: null, activation: "gelu_tanh" }, [
      "pooled",
    ]),
    tower("hidden states", SMALL, ["last", "hidden.0", "hidden.2", "hidden.2.norm", "embedding"]),
    tower("context of 32", { ...SMALL, contextLength: 32 }, ["embedding"]),
    tower("full attention", { ...SMALL, attention: "full" }, ["embedding"]),
    tower("full attention, hidden states", { ...SMALL, attention: "full", layers: 2 }, [
      "hidden.1",
      "embedding",
    ]),
    packings(),
    pastRows(),
  ];
}

function tower(
  name: string,
  descriptor: TextEncoderDescriptor,
  outputs: readonly TextEncoderOutput[],
): ConformanceCase {
  return {
    name: `tower: ${name}`,
    run: async (subject) => {
      const weights = syntheticWeights(syntheticSpec(descriptor), name);
      const graph = buildTextEncoder(descriptor, { outputs });
      const { contextLength, width } = descriptor;
      const full = descriptor.attention === "full";
      const pack = (prompts: TokenSequence[]): PackedRows =>
        full ? packSegments(prompts, { contextLength, padId: 0 }) : packRows(prompts);
      const prompts = raggedPrompts(full ? 4 : 11, contextLength);
      // One prompt, many, the empty one alone, the full context alone, equal prompts.
      const batches = [[prompts[2]!], prompts, [prompts[0]!], [prompts[1]!], [prompts[3]!, prompts[3]!]];
      const inputs = batches.map((batch) => towerInputs(pack(batch), weights, width));
      const actual = await runOn(subject, "backend", graph, weights, inputs);
      const expected = await runOn(subject, "reference", graph, weights, inputs);
      const tolerance = TOLERANCES[subject.precision ?? "float32"];
      expected.forEach((result, i) => {
        for (const output of outputs) {
          const { shape, data } = result[output]!;
          expectClose(`${output} of run ${i}`, actual[i]![output]!.data, data, shape[1]!, tolerance);
        }
      });
    },
  };
}

/** Shared prefixes, no sharing, and one prompt a run are three ways to compute the same thing. */
function packings(): ConformanceCase {
  return {
    name: "tower: trie-packed, flat-packed and one by one agree on 500 ragged prompts",
    run: async (subject) => {
      // The reference would take minutes on 17,000 rows: the ways of packing are held against each other.
      const descriptor = { ...SMALL, width: 64, heads: 1, mlpWidth: 128, layers: 2 };
      const weights = syntheticWeights(syntheticSpec(descriptor), "packings");
      const prompts = raggedPrompts(500);
      const shared = await embed(subject, descriptor, weights, prompts, 256, true);
      const flat = await embed(subject, descriptor, weights, prompts, 256, false);
      const single = await embed(subject, descriptor, weights, prompts, 1, false);
      const tolerance = TOLERANCES[subject.precision ?? "float32"];
      expectClose("trie-packed against one by one", shared, single, descriptor.embedDim!, tolerance);
      expectClose("flat-packed against one by one", flat, single, descriptor.embedDim!, tolerance);
    },
  };
}

/** A prompt after rows of an earlier run is the same prompt. */
function pastRows(): ConformanceCase {
  return {
    name: "tower: rows after rows of earlier runs",
    run: async (subject) => {
      const weights = syntheticWeights(syntheticSpec(SMALL), "past");
      const { width, layers } = SMALL;
      const precision = subject.precision ?? "float32";
      const executable = await subject.backend.compile(buildTextEncoder(SMALL, { past: true }), weights, {
        precision,
      });
      const indices = (values: ArrayLike<number>): Tensor =>
        tensor("int32", [values.length], Int32Array.from(values));
      /** A single prompt; `past` holds keys and values of its first tokens, per block [past, 2 · width]. */
      const run = async (ids: number[], past: readonly Float32Array[]): Promise<Record<string, Tensor>> => {
        const known = past[0]!.length / (2 * width);
        const fresh = ids.slice(known);
        const inputs: Record<string, Tensor> = {
          tokens: tensor("float32", [fresh.length, width], weights.tokenRows(fresh)),
          positions: indices(fresh.map((_, i) => known + i)),
          parents: indices(ids.map((_, i) => i - 1)),
          keyRows: indices(fresh.map((_, i) => known + i)),
          pooled: indices([fresh.length - 1]),
          pooledKeys: indices([ids.length - 1]),
        };
        past.forEach((data, layer) => {
          inputs[keyValueNames(layer).input] = tensor("float32", [known, 2 * width], data);
        });
        return executable.run(inputs);
      };
      try {
        const none = Array.from({ length: layers }, () => new Float32Array(0));
        for (const { ids } of raggedPrompts(6).slice(1)) {
          const list = Array.from(ids);
          const whole = await run(list, none);
          const plain = [towerInputs(packRows([{ ids }]), weights, width)];
          const [reference] = await runOn(subject, "reference", buildTextEncoder(SMALL), weights, plain);
          const { data } = reference!["embedding"]!;
          expectClose(
            `${list.length} rows`,
            whole["embedding"]!.data,
            data,
            data.length,
            TOLERANCES[precision],
          );
          for (const known of [1, Math.floor(list.length / 2), list.length - 1]) {
            const past = none.map((_, layer) => {
              const data = whole[keyValueNames(layer).output]!.data as Float32Array;
              return data.slice(0, known * 2 * width);
            });
            const { embedding } = await run(list, past);
            const expected = whole["embedding"]!.data;
            expectClose(
              `${known} of ${list.length}`,
              embedding!.data,
              expected,
              expected.length,
              TOLERANCES[precision],
            );
          }
        }
        subject.checkSentinels?.(executable);
      } finally {
        await executable.dispose();
      }
    },
  };
}

/** Embeddings of prompts in their own order. [prompts, embedDim] */
async function embed(
  subject: Subject,
  descriptor: TextEncoderDescriptor,
  weights: SyntheticWeights,
  prompts: readonly TokenSequence[],
  maxRows: number,
  sharePrefixes: boolean,
): Promise<Float32Array> {
  const runs = planRuns(prompts, maxRows, { sharePrefixes });
  const graph = buildTextEncoder(descriptor);
  const inputs = runs.map((run) =>
    towerInputs(packRows(run.sequences, { sharePrefixes }), weights, descriptor.width),
  );
  const results = await runOn(subject, "backend", graph, weights, inputs);
  const width = descriptor.embedDim!;
  const embeddings = new Float32Array(prompts.length * width);
  runs.forEach((run, i) => {
    const rows = results[i]!["embedding"]!.data as Float32Array;
    run.answers.forEach((indices, row) => {
      for (const index of indices)
        embeddings.set(rows.subarray(row * width, (row + 1) * width), index * width);
    });
  });
  return embeddings;
}

/** Rows of one prompt out of an output with one row per packed row. [tokens, width] */
export function gatherPrompt(output: Tensor, packed: PackedRows, prompt: number): Float32Array {
  const width = output.shape[1]!;
  const rows = promptRows(packed, prompt);
  const gathered = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    gathered.set((output.data as Float32Array).subarray(row * width, (row + 1) * width), i * width);
  });
  return gathered;
}
