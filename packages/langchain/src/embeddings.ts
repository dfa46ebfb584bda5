/**
 * `TextowerEmbeddings`: CLIP text features where LangChain wants `Embeddings`: vector stores, retrievers, caches.
 *
 * Not here: making encoders (`createTextEncoder`), and pictures. A store that holds image embeddings of the same
 * checkpoint is searched by text all the same.
 */
import { Embeddings } from "@langchain/core/embeddings";
import type { EmbeddingsParams } from "@langchain/core/embeddings";

/** What is asked of an encoder; one of `createTextEncoder` or `createWorkerTextEncoder` will do. */
export interface EmbeddingEncoder {
  encode(
    prompts: readonly string[],
    options: { readonly truncate: boolean },
  ): Promise<{ readonly embeddings: readonly Float32Array[] }>;
}

/** Options of `TextowerEmbeddings`. */
export interface TextowerEmbeddingsOptions extends EmbeddingsParams {
  /** Stays the caller's, who disposes of it. */
  readonly encoder: EmbeddingEncoder;
  /** Whether texts that are too long lose their last tokens; by default they are an error (`TextTooLongError`). */
  readonly truncate?: boolean;
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
  readonly #truncate: boolean;

  constructor({ encoder, truncate = false, ...params }: TextowerEmbeddingsOptions) {
    super(params);
    this.#encoder = encoder;
    this.#truncate = truncate;
  }

  /**
   * Rejects with what the encoder rejects with.
   * @returns [documents][embedDim], in the order of the documents
   */
  override async embedDocuments(documents: string[]): Promise<number[][]> {
    const { embeddings } = await this.#encoder.encode(documents, { truncate: this.#truncate });
    return embeddings.map((vector) => Array.from(vector));
  }

  /** @returns [embedDim] */
  override async embedQuery(document: string): Promise<number[]> {
    const [vector] = await this.embedDocuments([document]);
    return vector!;
  }
}
