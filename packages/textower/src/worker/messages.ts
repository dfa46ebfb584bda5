/**
 * What goes between an encoder in a worker and whoever calls it: plain data, as structured clone takes it.
 *
 * A worker is posted one `Connect`, with one end of a channel. All other messages go through that channel, so that a
 * worker can serve several encoders and have messages of its own.
 */
import type { EncodeOptions, EncoderInfo, Prompt } from "../encoder.js";
import type { PrefixCacheInfo } from "../prefix-cache.js";
import type { PlainError } from "./error-transfer.js";

/** First word of every connection. The number changes with the messages. */
export const PROTOCOL = "textower/worker 2";

export interface Connect {
  readonly protocol: string;
  readonly port: MessagePort;
  /** Name of the lock that says that the worker lives; see `life.ts`. */
  readonly life: string;
}

/** What is asked for. Every call is answered once, with its result or an error. */
export type Call =
  | { readonly call: "open"; readonly options: Readonly<Record<string, unknown>> }
  | {
      readonly call: "encode";
      readonly prompts: Prompt | readonly Prompt[];
      readonly options: Omit<EncodeOptions, "signal" | "onProgress">;
      /** Whether somebody listens to progress. */
      readonly progress: boolean;
    }
  | { readonly call: "warmup" }
  | { readonly call: "clearPrefixCache" }
  | { readonly call: "dispose" };

/** Results by the name of the call. */
export interface Results {
  readonly open: { readonly info: EncoderInfo; readonly logitScale: number | undefined };
  readonly encode: PlainEncodeResult;
  readonly warmup: undefined;
  readonly clearPrefixCache: undefined;
  readonly dispose: undefined;
}

/** An `EncodeResult` without views: each array is sent once, and its memory changes hands. */
export interface PlainEncodeResult {
  /** [prompts, embedDim] */
  readonly data: Float32Array<ArrayBuffer>;
  /** [prompts] */
  readonly tokens: Int32Array<ArrayBuffer>;
  /** [prompts] */
  readonly cut: Int32Array<ArrayBuffer>;
  /** [prompts] */
  readonly windows: Int32Array<ArrayBuffer>;
  /** [prompts], or none where the encoder has no outputs beside its vectors. */
  readonly hidden: readonly Readonly<Record<string, Float32Array>>[];
  readonly rows: number;
}

/** `open` and `encode` tell how far they are. */
export type Progress =
  | { readonly loaded: number; readonly total: number }
  | { readonly done: number; readonly total: number };

export type ToWorker = (Call & { readonly id: number }) | { readonly abort: number };

export type FromWorker =
  | { readonly id: number; readonly progress: Progress }
  | { readonly id: number; readonly error: PlainError }
  | {
      readonly id: number;
      readonly result: Results[Call["call"]];
      readonly prefixCache: PrefixCacheInfo | undefined;
    };
