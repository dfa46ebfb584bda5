/**
 * The contract between a graph and whatever runs it. A backend never sees a model: it compiles a graph with its
 * weights into an executable, which runs on packed rows of any number.
 */
import type { Graph, RowRange } from "./graph.js";
import type { Inputs } from "./inputs.js";
import type { Tensor } from "./tensor.js";

/**
 * Where a backend gets the parameters of a graph from: a checkpoint, synthetic data, a worker's messages.
 * Reads are lazy: nothing is read that is not asked for, and each is read once, in the order of the graph's nodes.
 */
export interface WeightSource {
  /**
   * Reads a tensor, or the rows `rows` of its axis 0, in whatever dtype it is stored.
   * The caller owns the array, and should let go of it before asking for the next: the source keeps no copy.
   * Rejects with the source's own named error if there is no such tensor or its bytes are not to be had.
   */
  read(name: string, rows?: RowRange, signal?: AbortSignal): Promise<Tensor>;
}

/** How weights are kept and multiplied. Sums are float32 or better in every case. */
export type Precision = "float32" | "float16" | "int8";

/** Options of `Backend.compile`. */
export interface CompileOptions {
  /** Storage of the weights of `linear` nodes. Default "float32". A backend refuses what it does not have. */
  readonly precision?: Precision;
  /**
   * Upper bound of every named dimension in a run; backends that allocate ahead do so for this. Default 512.
   * A run beyond it is refused with InputError.
   */
  readonly maxRows?: number;
  /** Aborts the compile; what was allocated is freed, and the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after each weight was taken over. */
  readonly onProgress?: (progress: { readonly loaded: number; readonly total: number }) => void;
}

/**
 * Default of `Backend.preferredRows`. From 128 to 512 a row costs the same within noise on backend-wasm, but runs
 * of 384 share more beginnings: 333,000 rows instead of 343,000 for ImageNet's 80 templates × 1,000 classes.
 */
export const DEFAULT_PREFERRED_ROWS = 384;

/** Default of `CompileOptions.maxRows`. */
export const DEFAULT_MAX_ROWS = 512;

/** What an executable runs on. Shown to users as it is. */
export interface ExecutableInfo {
  /** Name of the backend. */
  readonly backend: string;
  /** What computes: "cpu", "wasm simd", "NVIDIA …". */
  readonly device: string;
  readonly precision: Precision;
  /** Threads that compute, the calling one included. */
  readonly threads: number;
  /** Bytes that the executable holds for weights and activations, as far as the backend can tell; 0 if it cannot. */
  readonly memoryBytes: number;
  /** Remarks a user should see, such as why there is only one thread. */
  readonly notes: readonly string[];
}

/** A compiled graph with its weights. Holds memory until `dispose()`. */
export interface Executable {
  readonly info: ExecutableInfo;
  /**
   * Runs the graph once. It may be called again before an earlier run has settled: runs take place one after another
   * in the order of the calls.
   *
   * Inputs are read before the promise settles and never changed; the outputs are copies that the caller owns.
   * Rejects with InputError before anything is computed if the inputs do not fit (`checkInputs`), with DisposedError
   * after `dispose()`, with the signal's reason if it is aborted before the run starts, and with BackendError if the
   * runtime fails.
   * @returns name → float32 tensor, one for each output of the graph
   */
  run(inputs: Inputs, options?: { readonly signal?: AbortSignal }): Promise<Record<string, Tensor>>;
  /**
   * Prepares for runs of these numbers of rows, where the first of a kind would have to compile something; absent where
   * nothing has to be. Rejects as `run`.
   */
  warmup?(rows: readonly number[]): Promise<void>;
  /** Frees everything. A run in flight ends first; runs that still wait reject with DisposedError. Twice is harmless. */
  dispose(): Promise<void>;
}

/** Whether a backend can work here; if not, why, in words for a user. */
export type Support = { readonly supported: true } | { readonly supported: false; readonly reason: string };

/** Something that runs graphs. Making one is cheap and does nothing; the work begins with `compile`. */
export interface Backend {
  /** Short and lower-case, as in `backend("onnx")`. */
  readonly name: string;
  /** Rows of a run at which it was measured to be fastest; whoever cuts work into runs aims for it. Default 384. */
  readonly preferredRows?: number;
  /** Whether this runtime has what the backend needs. Never throws. */
  isSupported(): Promise<Support>;
  /**
   * Takes over the weights of a graph. Weights are asked for one at a time, in the order of the graph's nodes, so
   * that no second full copy ever exists.
   * Rejects with GraphError (`verify`), UnsupportedError, BackendError, or what the source rejects with; nothing
   * stays allocated then.
   */
  compile(graph: Graph, weights: WeightSource, options?: CompileOptions): Promise<Executable>;
}
