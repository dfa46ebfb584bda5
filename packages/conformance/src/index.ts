/**
 * @textower/conformance: one suite of ops, towers and promises that every backend runs, and golden vectors. Bound to
 * no test framework: a case is a name and a function that rejects.
 */
import { contractCases } from "./cases/contract.js";
import { opCases } from "./cases/ops.js";
import { towerCases } from "./cases/towers.js";
import type { ConformanceCase } from "./case.js";

export type { ConformanceCase, Subject } from "./case.js";
export { goldenCases } from "./cases/golden.js";
export { difference, expectClose, GOLDEN_TOLERANCE, TOLERANCES } from "./compare.js";
export type { Difference, Tolerance } from "./compare.js";
export { GOLDEN_NAMES, loadGolden } from "./golden.js";
export type { Golden, GoldenName } from "./golden.js";
export { syntheticSpec, syntheticValues, syntheticWeights } from "./synthetic.js";
export type { SyntheticSpec, SyntheticTensor, SyntheticWeights } from "./synthetic.js";
export { gatherPrompt, raggedPrompts, towerInputs } from "./cases/towers.js";

/**
 * Every case but the golden ones: each op by itself, whole towers, and what the contract promises.
 * @example for (const { name, run } of conformanceCases()) test(name, () => run({ backend, reference: reference() }));
 */
export function conformanceCases(): ConformanceCase[] {
  return [...opCases(), ...towerCases(), ...contractCases()];
}
