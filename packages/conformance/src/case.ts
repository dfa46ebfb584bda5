/** What a conformance case is, and what it is run on. Bound to no test framework. */
import type { Backend, Executable, Graph, Inputs, Precision, Tensor, WeightSource } from "@textower/graph";

/** A backend under test. */
export interface Subject {
  readonly backend: Backend;
  /** What it is compared with. */
  readonly reference: Backend;
  /** Default "float32". */
  readonly precision?: Precision;
  /** For backends with sentinels around their buffers: throws if one of `executable` was overwritten. */
  readonly checkSentinels?: (executable: Executable) => void;
}

/** One thing that every backend must do. `run` rejects with the reason if it does not. */
export interface ConformanceCase {
  readonly name: string;
  readonly run: (subject: Subject) => Promise<void>;
}

/** Compiles, runs on each of `inputs` in turn, and disposes, whatever happens. */
export async function runOn(
  subject: Subject,
  which: "backend" | "reference",
  graph: Graph,
  weights: WeightSource,
  inputs: readonly Inputs[],
): Promise<Record<string, Tensor>[]> {
  const tested = which === "backend";
  const precision = tested ? (subject.precision ?? "float32") : "float32";
  const executable = await subject[which].compile(graph, weights, { precision });
  try {
    const results: Record<string, Tensor>[] = [];
    for (const each of inputs) results.push(await executable.run(each));
    if (tested) subject.checkSentinels?.(executable);
    return results;
  } finally {
    await executable.dispose();
  }
}

/** Throws unless `action` rejects with an error whose name is `errorName`. */
export async function expectRejection(
  what: string,
  errorName: string,
  action: () => Promise<unknown>,
): Promise<void> {
  let outcome = "no error";
  try {
    await action();
  } catch (error) {
    if (error instanceof Error && error.name === errorName) return;
    outcome = String(error);
  }
  throw new Error(`${what}: expected ${errorName}, got ${outcome}`);
}
