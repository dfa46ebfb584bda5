/** Golden vectors of the original implementation: embeddings, and hidden states where there are any. */
import { buildTextEncoder, packRows, planRuns } from "@textower/model";
import type { TextEncoderOutput } from "@textower/model";
import { difference, expectClose, GOLDEN_TOLERANCE, TOLERANCES } from "../compare.js";
import { runOn } from "../case.js";
import type { ConformanceCase, Subject } from "../case.js";
import { loadGolden } from "../golden.js";
import type { Golden, GoldenName } from "../golden.js";
import { syntheticWeights } from "../synthetic.js";
import { gatherPrompt, towerInputs } from "./towers.js";

/**
 * One case per golden configuration. Not part of `conformanceCases`: the larger ones take seconds to minutes and up
 * to 1.3 GB, so each backend says which it runs.
 */
export function goldenCases(names: readonly GoldenName[]): ConformanceCase[] {
  return names.map((name) => ({
    name: `golden: ${name}`,
    run: async (subject) => {
      const golden = await loadGolden(name);
      await checkEmbeddings(subject, golden);
      if (golden.hidden !== undefined) await checkHidden(subject, golden);
    },
  }));
}

async function checkEmbeddings(subject: Subject, golden: Golden): Promise<void> {
  const { descriptor, spec, tokens, embeddings } = golden;
  const weights = syntheticWeights(spec);
  const runs = planRuns(
    tokens.map((ids) => ({ ids })),
    128,
  );
  const inputs = runs.map((run) => towerInputs(packRows(run.sequences), weights, descriptor.width));
  const results = await runOn(subject, "backend", buildTextEncoder(descriptor), weights, inputs);
  const width = descriptor.embedDim!;
  const actual = new Float32Array(tokens.length * width);
  runs.forEach((run, i) => {
    run.answers.forEach((prompts, row) => {
      const embedding = (results[i]!["embedding"]!.data as Float32Array).subarray(
        row * width,
        (row + 1) * width,
      );
      for (const prompt of prompts) actual.set(embedding, prompt * width);
    });
  });
  const precision = subject.precision ?? "float32";
  if (precision !== "float32") {
    expectClose(golden.name, actual, embeddings.flat(), width, TOLERANCES[precision]);
    return;
  }
  const { maxAbs } = difference(actual, embeddings.flat(), width);
  if (maxAbs > GOLDEN_TOLERANCE) {
    throw new Error(
      `${golden.name}: expected at most ${GOLDEN_TOLERANCE} from the golden embeddings, got ${maxAbs}`,
    );
  }
}

async function checkHidden(subject: Subject, golden: Golden): Promise<void> {
  const { descriptor, spec, tokens, hidden } = golden;
  const weights = syntheticWeights(spec);
  const outputs = Object.keys(hidden!.states) as TextEncoderOutput[];
  const packed = packRows(hidden!.prompts.map((prompt) => ({ ids: tokens[prompt]! })));
  const graph = buildTextEncoder(descriptor, { outputs });
  const inputs = [towerInputs(packed, weights, descriptor.width, false)];
  const [result] = await runOn(subject, "backend", graph, weights, inputs);
  for (const output of outputs) {
    hidden!.prompts.forEach((prompt, i) => {
      const expected = hidden!.states[output]![i]!.slice(0, tokens[prompt]!.length).flat();
      const what = `${golden.name}, ${output} of prompt ${prompt}`;
      const tolerance = TOLERANCES[subject.precision ?? "float32"];
      expectClose(what, gatherPrompt(result![output]!, packed, i), expected, descriptor.width, tolerance);
    });
  }
}
