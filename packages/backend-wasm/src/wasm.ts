/** `wasm()`: the backend, and how it puts an executable together. */
import { BackendError, UnsupportedError, verify } from "@textower/graph";
import type { Backend, CompileOptions, Graph, Support, WeightSource } from "@textower/graph";
import { WasmExecutable } from "./executable.js";
import { processors, whyNoThreads } from "./host.js";
import { loadWeights } from "./load.js";
import { makePlan } from "./plan.js";
import { ThreadPool } from "./pool.js";
import { compiledModule, instantiate, runsHere } from "./variants.js";
import type { PrecompiledKernels, Variant } from "./variants.js";

/** "auto" asks for no more: small products do not go round among more. */
const MOST_AUTO_THREADS = 8;

/** Options of `wasm`. */
export interface WasmOptions {
  /** Vector instructions to use. Default "auto": relaxed SIMD where the engine has it. */
  readonly variant?: Variant | "auto";
  /** Threads that compute, the calling one included. Default "auto". */
  readonly threads?: number | "auto";
  /**
   * Kernels that the host has compiled, where engines compile nothing at run time, as on Cloudflare Workers: imported
   * from this package's `simd.wasm` and `relaxed.wasm`. They have one thread.
   */
  readonly kernels?: PrecompiledKernels;
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

function support(options: WasmOptions): Support {
  const { reason } = chooseVariant(options);
  return reason === undefined ? { supported: true } : { supported: false, reason };
}

/** The variant that is asked for, or the best there is; otherwise why there is none, in words for a user. */
function chooseVariant({ variant = "auto", kernels }: WasmOptions): {
  readonly variant?: Variant;
  readonly reason?: string;
} {
  if (typeof WebAssembly === "undefined") {
    return { reason: "wasm: expected an engine with WebAssembly, got one without" };
  }
  const candidates = variant === "auto" ? (["relaxed", "simd"] as const) : [variant];
  const found = candidates.find((each) => (kernels ? kernels[each] !== undefined : runsHere(each)));
  if (found !== undefined) return { variant: found };
  const wanted = variant === "relaxed" ? "relaxed SIMD" : "SIMD";
  return {
    reason: kernels
      ? `wasm: expected kernels with ${wanted}, got none`
      : `wasm: expected an engine with WebAssembly ${wanted}, got one without`,
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
  const { variant, reason } = chooseVariant(options);
  if (variant === undefined) throw new UnsupportedError(reason!);
  const { precision = "float32", maxRows, signal } = compileOptions;
  signal?.throwIfAborted();

  const notes: string[] = [];
  const threads = chooseThreads(options, notes);
  const plan = makePlan(graph, {
    precision,
    threads,
    guard: options.guard ?? 0,
    ...(maxRows === undefined ? {} : { maxRows }),
  });
  const module = options.kernels?.[variant] ?? (await compiledModule(variant, threads > 1));
  const memory = allocate(plan.pages, threads > 1);
  const kernels = await instantiate(module, memory);
  // Threads start while weights come in: both take long where files come over a network.
  const starting =
    threads > 1 ? startPool({ plan, module, memory, kernels }, threads, notes) : Promise.resolve(undefined);
  try {
    await loadWeights({ plan, memory, kernels }, weights, compileOptions);
  } catch (error) {
    (await starting)?.dispose();
    throw error;
  }
  const pool = await starting;
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
function chooseThreads({ threads: asked = "auto", kernels }: WasmOptions, notes: string[]): number {
  if (asked !== "auto" && !(Number.isInteger(asked) && asked >= 1)) {
    throw new UnsupportedError(`wasm: expected threads as "auto" or a whole number from 1, got ${asked}`);
  }
  const wanted = asked === "auto" ? Math.min(processors(), MOST_AUTO_THREADS) : asked;
  if (wanted === 1) {
    if (asked === "auto") notes.push("one thread: the host has one processor");
    return 1;
  }
  const why = kernels === undefined ? whyNoThreads() : "kernels that the host has compiled have one";
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
