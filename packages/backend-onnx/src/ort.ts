/**
 * The part of ONNX Runtime's JavaScript API that this package uses, as structural types: `onnxruntime-node` and
 * `onnxruntime-web` both fit, and neither has to be installed to read these types.
 */

/** A module of ONNX Runtime: `import * as ort from "onnxruntime-node"`. */
export interface OrtModule {
  readonly InferenceSession: {
    create(model: Uint8Array, options?: OrtSessionOptions): Promise<OrtSession>;
    /** From a path or URL. */
    create(model: string, options?: OrtSessionOptions): Promise<OrtSession>;
  };
  // Several signatures, since the runtimes overload theirs by dtype.
  readonly Tensor: {
    new (type: "float32", data: Float32Array, dims: readonly number[]): OrtTensor;
    new (type: "float16", data: Uint16Array, dims: readonly number[]): OrtTensor;
    new (type: "int32", data: Int32Array, dims: readonly number[]): OrtTensor;
    new (type: "int64", data: BigInt64Array, dims: readonly number[]): OrtTensor;
  };
  readonly env?: {
    readonly versions?: { readonly common?: string; readonly node?: string; readonly web?: string };
    readonly wasm?: { readonly numThreads?: number };
  };
}

/** A tensor of ONNX Runtime. */
export interface OrtTensor {
  readonly dims: readonly number[];
  /** The contents, fetched from the device if they are there. */
  getData(): Promise<unknown>;
  /** Frees what a device holds. */
  dispose(): void;
}

/** What a session says of an input or output. A size that is no number differs from run to run. */
export interface OrtValueMetadata {
  readonly name: string;
  readonly isTensor: boolean;
  readonly type?: string;
  readonly shape?: readonly (number | string)[];
}

/** A session of ONNX Runtime. */
export interface OrtSession {
  /** Absent in runtimes before 1.21. */
  readonly inputMetadata?: readonly OrtValueMetadata[];
  readonly outputMetadata?: readonly OrtValueMetadata[];
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}

/** An execution provider by name, or with its own options. */
export type ExecutionProvider = string | { readonly name: string; readonly [option: string]: unknown };

/** Options of a session: anything else that ONNX Runtime knows may be among them. */
export interface OrtSessionOptions {
  readonly executionProviders?: readonly ExecutionProvider[];
  readonly intraOpNumThreads?: number;
  readonly externalData?: readonly { readonly path: string; readonly data: Uint8Array }[];
  readonly [option: string]: unknown;
}

/** Whether something has what this package calls. */
export function isOrtModule(value: unknown): value is OrtModule {
  if (typeof value !== "object" || value === null) return false;
  const { InferenceSession, Tensor } = value as Partial<OrtModule>;
  return typeof InferenceSession?.create === "function" && typeof Tensor === "function";
}

/** Name and version of a runtime as far as it tells, such as "onnxruntime-node 1.30.0". */
export function describeOrt({ env }: OrtModule): string {
  const { node, web, common } = env?.versions ?? {};
  if (node !== undefined) return `onnxruntime-node ${node}`;
  if (web !== undefined) return `onnxruntime-web ${web}`;
  return common === undefined ? "onnxruntime" : `onnxruntime ${common}`;
}
