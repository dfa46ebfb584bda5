/**
 * The steps that a graph is lowered to (`lower.ts`): the fused steps, over values that are nodes or forms of nodes.
 * Plain data, as the graph is.
 */
import { stepOperands } from "@textower/graph";
import type { LinearStep as FusedLinearStep, NodeId, Step as FusedStep } from "@textower/graph";

/** A value of a run: a node's result, or, from `graph.nodes.length` on, a form of one that only kernels know. */
export type ValueId = number;

/** A linear, with the forms of its operands. */
export interface LinearStep extends FusedLinearStep {
  /** The quantised form of `x`, where weights are int8. */
  readonly quantised: ValueId | undefined;
  /** The packed form of `weight`, where that is computed by the graph and not a parameter. */
  readonly packed: ValueId | undefined;
}

/** Packs a computed weight into panels, or quantises the rows of a linear's operand. */
export interface FormStep {
  readonly op: "pack" | "quantise";
  readonly x: NodeId;
  readonly y: ValueId;
}

/** One kernel's work. */
export type Step = LinearStep | Exclude<FusedStep, FusedLinearStep> | FormStep;

/** The values a step reads. Weights are among them. */
export function operands(step: Step): ValueId[] {
  switch (step.op) {
    case "linear":
      return stepOperands({ ...step, x: step.quantised ?? step.x, weight: step.packed ?? step.weight });
    case "pack":
    case "quantise":
      return [step.x];
    default:
      return stepOperands(step);
  }
}
