/**
 * `TextowerEmbeddings`: CLIP text features where LangChain wants `Embeddings`: vector stores, retrievers, caches.
 *
 * Not here: making encoders (`createTextEncoder`), and pictures. A store that holds image embeddings of the same
 * checkpoint is searched by text all the same.
 */
import { Embeddings } from "@langchain/core/embeddings";
import type { EmbeddingsParams } from "@langchain/core/embeddings";

/** As `LongText` of `textower`. */
export type LongText = "error" | "truncate" | "windows";

/** What is asked of an encoder; one of `createTextEncoder` or `createWorkerTextEncoder` will do. */
export interface EmbeddingEncoder {
  encode(
    prompts: readonly string[],
    options: { readonly longText: LongText },
  ): Promise<{ readonly embeddings: readonly Float32Array[] }>;
}

/** Options of `TextowerEmbeddings`. */
export interface TextowerEmbeddingsOptions extends EmbeddingsParams {
  /** Stays the caller's, who disposes of it. */
  readonly encoder: EmbeddingEncoder;
  /**
   * What becomes of texts that are too long: an error (`TextTooLongError`, default), cut, or encoded in windows of which the
   * vector is the mean.
   */
  readonly longText?: LongText;
}

/**
 * See the file's head. Documents and queries are encoded alike; vectors have length 1.
 *
 * `caller`, which the base class has for requests over a network, is not used: what fails here fails again.
 * @example
 * const embeddings = new TextowerEmbeddings({ encoder });
 * const store = await MemoryVectorStore.fromTexts(texts, metadata, embeddings);
 */
export class TextowerEmbeddings extends Embeddings {
  readonly #encoder: EmbeddingEncoder;
  readonly #longText: LongText;

  constructor({ encoder, longText = "error", ...params }: TextowerEmbeddingsOptions) {
    super(params);
    this.#encoder = encoder;
    this.#longText = longText;
  }

  /**
   * Rejects with what the encoder rejects with.
   * @returns [documents][embedDim], in the order of the documents
   */
  override async embedDocuments(documents: string[]): Promise<number[][]> {
    const { embeddings } = await this.#encoder.encode(documents, { longText: this.#longText });
    return embeddings.map((vector) => Array.from(vector));
  }

  /** @returns [embedDim] */
  override async embedQuery(document: string): Promise<number[]> {
    const [vector] = await this.embedDocuments([document]);
    return vector!;
  }
}
