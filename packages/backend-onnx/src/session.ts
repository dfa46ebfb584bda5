/** A session of ONNX Runtime as the user wants it, and what it says of where it runs. */
import { BackendError } from "@textower/graph";
import { describeOrt } from "./ort.js";
import type { ExecutionProvider, OrtModule, OrtSession, OrtSessionOptions } from "./ort.js";

/** What a session is to run on. */
export interface SessionChoice {
  /** In order of preference, as ONNX Runtime takes them. Default: whatever the runtime prefers ("cpu", "wasm"). */
  readonly executionProviders?: readonly ExecutionProvider[];
  /**
   * Threads within an op. Default: the runtime's own choice. onnxruntime-web has one pool for all sessions and takes
   * its size from `ort.env.wasm.numThreads`, not from here.
   */
  readonly threads?: number;
  /** Further session options, passed on as they are; they win over what this package sets. */
  readonly sessionOptions?: OrtSessionOptions;
}

/** Rejects with BackendError, the runtime's error its cause. `own`: options that win over the user's. */
export async function createSession(
  ort: OrtModule,
  model: Uint8Array | string,
  { executionProviders, threads, sessionOptions }: SessionChoice,
  own: OrtSessionOptions = {},
): Promise<OrtSession> {
  const options: OrtSessionOptions = {
    ...(executionProviders === undefined ? {} : { executionProviders }),
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    ...sessionOptions,
    ...own,
  };
  try {
    // Two calls, since the runtimes overload theirs by kind.
    return await inTurn(ort, () =>
      typeof model === "string"
        ? ort.InferenceSession.create(model, options)
        : ort.InferenceSession.create(model, options),
    );
  } catch (cause) {
    throw new BackendError(`onnx: expected a session of ${describeOrt(ort)}, got: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** The last thing that each onnxruntime-web was asked for, by its class of sessions. */
const pending = new WeakMap<OrtModule["InferenceSession"], Promise<unknown>>();

/**
 * Calls a session. onnxruntime-web refuses a run while one of another session is in flight ("Session already started", on
 * WebGPU), so there they take turns.
 */
export function inTurn<T>(ort: OrtModule, call: () => Promise<T>): Promise<T> {
  if (!isWeb(ort)) return call();
  const result = (pending.get(ort.InferenceSession) ?? Promise.resolve()).then(call);
  pending.set(
    ort.InferenceSession,
    result.catch(() => undefined),
  );
  return result;
}

/** Names of the providers that will be asked. */
export function providersOf(ort: OrtModule, { executionProviders, sessionOptions }: SessionChoice): string[] {
  const asked = sessionOptions?.executionProviders ?? executionProviders ?? [];
  if (asked.length === 0) return [isWeb(ort) ? "wasm" : "cpu"];
  return asked.map((provider) => (typeof provider === "string" ? provider : provider.name));
}

/** The part of `ExecutableInfo` that a session decides. */
export function describeSession(
  ort: OrtModule,
  choice: SessionChoice,
): { device: string; threads: number; notes: string[] } {
  const device = `${providersOf(ort, choice).join(", ")} (${describeOrt(ort)})`;
  const asked = choice.sessionOptions?.intraOpNumThreads ?? choice.threads;
  if (isWeb(ort)) {
    const pool = ort.env?.wasm?.numThreads || 1;
    const ignored = asked !== undefined && asked !== pool;
    const notes = ignored ? [`onnxruntime-web takes its threads from ort.env.wasm.numThreads: ${pool}`] : [];
    return { device, threads: pool, notes };
  }
  if (asked !== undefined && asked > 0) return { device, threads: asked, notes: [] };
  const cores = globalThis.navigator?.hardwareConcurrency ?? 1;
  return {
    device,
    threads: cores,
    notes: ["ONNX Runtime chooses its own number of threads; set `threads` to know it"],
  };
}

function isWeb({ env }: OrtModule): boolean {
  return env?.versions?.web !== undefined;
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
