/**
 * `embeddingModel`: CLIP text features where the AI SDK wants an embedding model: `embed`, `embedMany`, middleware.
 *
 * Not here: making encoders (`createTextEncoder`).
 */
import type { EmbeddingModelV3 } from "@ai-sdk/provider";

/** As `LongText` of `textower`. */
export type LongText = "error" | "truncate" | "windows";

/** What is asked of an encoder; one of `createTextEncoder` or `createWorkerTextEncoder` will do. */
export interface EmbeddingEncoder {
  readonly info: { readonly checkpoint: string };
  encode(
    prompts: readonly string[],
    options: { readonly longText: LongText; readonly signal?: AbortSignal },
  ): Promise<{
    readonly embeddings: readonly Float32Array[];
    readonly prompts: readonly { readonly tokens: number }[];
  }>;
}

/** Options of `embeddingModel`. */
export interface EmbeddingModelOptions {
  /**
   * What becomes of texts that are too long: an error (`TextTooLongError`, default), cut, or encoded in windows of which the
   * vector is the mean.
   */
  readonly longText?: LongText;
}

/**
 * An embedding model of specification v3, as `ai` 6 and 7 take it. Vectors have length 1; `usage` counts tokens that
 * were encoded, start and end of text included.
 *
 * All values of a call go to the encoder together, so that equal ones and common beginnings are computed once; it bounds
 * its memory itself. Headers and provider options have no meaning here.
 * @param encoder - stays the caller's, who disposes of it
 * @example
 * const { embeddings } = await embedMany({ model: embeddingModel(encoder), values: ["a red circle", "a blue star"] });
 */
export function embeddingModel(
  encoder: EmbeddingEncoder,
  { longText = "error" }: EmbeddingModelOptions = {},
): EmbeddingModelV3 {
  return {
    specificationVersion: "v3",
    provider: "textower",
    modelId: encoder.info.checkpoint,
    maxEmbeddingsPerCall: Infinity,
    supportsParallelCalls: true,
    async doEmbed({ values, abortSignal }) {
      const signal = abortSignal === undefined ? {} : { signal: abortSignal };
      const { embeddings, prompts } = await encoder.encode(values, { longText, ...signal });
      return {
        embeddings: embeddings.map((vector) => Array.from(vector)),
        usage: { tokens: prompts.reduce((sum, { tokens }) => sum + tokens, 0) },
        warnings: [],
      };
    },
  };
}
