/** `wasm()`: the backend, and how it puts an executable together. */
import { BackendError, UnsupportedError, verify } from "@textower/graph";
import type { Backend, CompileOptions, Graph, Support, WeightSource } from "@textower/graph";
import { WasmExecutable } from "./executable.js";
import { processors, whyNoThreads } from "./host.js";
import { loadWeights } from "./load.js";
import { makePlan } from "./plan.js";
import { ThreadPool } from "./pool.js";
import { compiledModule, instantiate, runsHere } from "./variants.js";
import type { Variant } from "./variants.js";

/** "auto" asks for no more: small products do not go round among more. */
const MOST_AUTO_THREADS = 8;

/** Options of `wasm`. */
export interface WasmOptions {
  /** Vector instructions to use. Default "auto": relaxed SIMD where the engine has it. */
  readonly variant?: Variant | "auto";
  /** Threads that compute, the calling one included. Default "auto". */
  readonly threads?: number | "auto";
}

/** What tests ask for beyond `WasmOptions`. */
export interface InternalOptions extends WasmOptions {
  /** Bytes kept free around every buffer of the arena. */
  readonly guard?: number;
}

/**
 * The WebAssembly backend, named "wasm".
 * @example
 * registerBackend(wasm());
 * @example
 * const encoder = await loadTextEncoder(source, { backend: wasm({ threads: 2 }) });
 */
export function wasm(options: WasmOptions = {}): Backend {
  return {
    name: "wasm",
    isSupported: () => Promise.resolve(support(options)),
    compile: (graph, weights, compileOptions) => compile(graph, weights, compileOptions ?? {}, options),
  };
}

function support({ variant = "auto" }: WasmOptions): Support {
  if (typeof WebAssembly === "undefined") {
    return { supported: false, reason: "wasm: expected an engine with WebAssembly, got one without" };
  }
  const wanted = variant === "auto" ? "simd" : variant;
  if (runsHere(wanted)) return { supported: true };
  const what = wanted === "simd" ? "SIMD" : "relaxed SIMD";
  return {
    supported: false,
    reason: `wasm: expected an engine with WebAssembly ${what}, got one without`,
  };
}

/** Plan, memory, kernels, weights. Whatever fails, nothing is held on to. */
export async function compile(
  graph: Graph,
  weights: WeightSource,
  compileOptions: CompileOptions,
  options: InternalOptions,
): Promise<WasmExecutable> {
  verify(graph);
  const supported = support(options);
  if (!supported.supported) throw new UnsupportedError(supported.reason);
  const { precision = "float32", maxRows, signal } = compileOptions;
  signal?.throwIfAborted();
  const variant = options.variant === "simd" || !runsHere("relaxed") ? "simd" : "relaxed";

  const notes: string[] = [];
  const threads = chooseThreads(options.threads ?? "auto", notes);
  const plan = makePlan(graph, {
    precision,
    threads,
    guard: options.guard ?? 0,
    ...(maxRows === undefined ? {} : { maxRows }),
  });
  const module = await compiledModule(variant, threads > 1);
  const memory = allocate(plan.pages, threads > 1);
  const kernels = await instantiate(module, memory);
  const pool = threads > 1 ? await startPool({ plan, module, memory, kernels }, threads, notes) : undefined;
  try {
    await loadWeights({ plan, memory, kernels }, weights, compileOptions);
  } catch (error) {
    pool?.dispose();
    throw error;
  }
  const running = pool === undefined ? 1 : threads;
  return new WasmExecutable(
    { plan, memory, kernels, pool, threads: running },
    {
      backend: "wasm",
      device: variant === "relaxed" ? "wasm relaxed simd" : "wasm simd",
      precision,
      threads: running,
      memoryBytes: memory.buffer.byteLength,
      notes,
    },
  );
}

/** Threads that compute, as far as the host lets them; says why there are fewer than asked for. */
function chooseThreads(asked: number | "auto", notes: string[]): number {
  if (asked !== "auto" && !(Number.isInteger(asked) && asked >= 1)) {
    throw new UnsupportedError(`wasm: expected threads as "auto" or a whole number from 1, got ${asked}`);
  }
  const wanted = asked === "auto" ? Math.min(processors(), MOST_AUTO_THREADS) : asked;
  if (wanted === 1) {
    if (asked === "auto") notes.push("one thread: the host has one processor");
    return 1;
  }
  const why = whyNoThreads();
  if (why === undefined) return wanted;
  notes.push(`one thread: ${why}`);
  return 1;
}

/** A pool, or none with a note where workers do not start: a bundle without `worker.js`, say. */
async function startPool(
  shared: Parameters<typeof ThreadPool.start>[0],
  threads: number,
  notes: string[],
): Promise<ThreadPool | undefined> {
  try {
    return await ThreadPool.start(shared, threads);
  } catch (error) {
    notes.push(
      `one thread: workers did not start (${error instanceof Error ? error.message : String(error)})`,
    );
    return undefined;
  }
}

function allocate(pages: number, shared: boolean): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  } catch (cause) {
    const megabytes = Math.ceil(pages / 16);
    throw new BackendError(`wasm: expected ${megabytes} MiB of memory, got none`, { cause });
  }
}
