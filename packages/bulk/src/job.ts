/**
 * `BulkJob`: one input, one output, one work directory between them. It is prepared once, its shards are made in any
 * order by anybody, and it is assembled at the end.
 */
import { basename, dirname } from "node:path";
import { vectorFormatOf, VECTOR_FORMATS } from "@textower/vector-files";
import type { VectorFormat } from "@textower/vector-files";
import { fileSource } from "@textower/weights";
import type { ByteSource } from "@textower/weights";
import { assemble } from "./assemble.js";
import type { OutputColumns } from "./assemble.js";
import type { CaptionFile, CaptionFormat } from "./captions/caption-file.js";
import { captionFormatOf, openCaptions } from "./captions/open.js";
import type { BulkEncoder, LongTextPolicy } from "./encoder.js";
import { BulkError } from "./errors.js";
import { claimDirectory, clearDirectory, finishedShards, identify } from "./manifest.js";
import type { Manifest } from "./manifest.js";
import { planShards, sha256Of } from "./plan.js";
import type { EmptyTextPolicy } from "./plan.js";
import { ProgressMeter } from "./progress.js";
import type { BulkProgress } from "./progress.js";

/** What is to be embedded, and how. */
export interface BulkOptions {
  /** Path of the captions. */
  readonly input: string;
  /** Path of the vectors. */
  readonly output: string;
  /** Default: what the names end in. */
  readonly inputFormat?: CaptionFormat | undefined;
  readonly outputFormat?: VectorFormat | undefined;
  /** The column of the texts; default text, caption, or the only one. */
  readonly textColumn?: string | undefined;
  /** The column of the ids; default "id" where there is one. */
  readonly idColumn?: string | undefined;
  /** Columns that come along in Parquet and JSON Lines; default all, the text included. */
  readonly columns?: readonly string[] | undefined;
  /** The vectors' column in Parquet and field in JSON Lines; default "embedding". */
  readonly vectorColumn?: string | undefined;
  /** Default `error`. */
  readonly empty?: EmptyTextPolicy | undefined;
  /** Default `error`. */
  readonly longText?: LongTextPolicy | undefined;
  /** Whether vectors are scaled to length 1; default true. */
  readonly normalize?: boolean | undefined;
  /** Captions of a shard: what is lost by a kill, at most. Default 8192. */
  readonly shardSize?: number | undefined;
  /** Where shards are kept until the output is whole; default the output's path and ".shards". */
  readonly workDirectory?: string | undefined;
  /** Whether finished shards of the same job are kept; default true. Those of another job are an error. */
  readonly resume?: boolean | undefined;
  /** What else distinguishes how texts become vectors, such as a vocabulary: shards that differ in it do not mix. */
  readonly identity?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: BulkProgress) => void) | undefined;
}

const SHARD_CAPTIONS = 8192;

/** See the file's head. Made by `openJob`; holds the input open until `close`. */
export class BulkJob {
  readonly manifest: Manifest;
  readonly directory: string;
  readonly captions: CaptionFile;
  readonly #source: ByteSource;
  readonly #output: { readonly path: string; readonly format: VectorFormat; readonly beside: OutputColumns };
  readonly #options: BulkOptions;

  constructor(parts: {
    readonly manifest: Manifest;
    readonly directory: string;
    readonly captions: CaptionFile;
    readonly source: ByteSource;
    readonly output: { readonly path: string; readonly format: VectorFormat; readonly beside: OutputColumns };
    readonly options: BulkOptions;
  }) {
    this.manifest = parts.manifest;
    this.directory = parts.directory;
    this.captions = parts.captions;
    this.#source = parts.source;
    this.#output = parts.output;
    this.#options = parts.options;
  }

  /** Numbers of the shards that are not there yet. */
  async missing(): Promise<number[]> {
    const finished = new Set(await finishedShards(this.directory));
    return this.manifest.plan.shards.map((_, shard) => shard).filter((shard) => !finished.has(shard));
  }

  /** Vectors of some shards. */
  rowsOf(shards: readonly number[]): number {
    return shards.reduce((sum, shard) => sum + this.manifest.plan.shards[shard]!.rows, 0);
  }

  /** Puts the output together. Rejects as `assemble` does. */
  async assemble(): Promise<void> {
    const { signal, onProgress, workDirectory } = this.#options;
    const meter = new ProgressMeter("writing", this.manifest.plan.rows, 0, onProgress);
    let written = 0;
    const { path, format, beside } = this.#output;
    // Beside the shards, where nothing is left behind; but a directory elsewhere may be on another file system.
    const scratch = workDirectory === undefined ? this.directory : dirname(path);
    await assemble(
      this.captions,
      this.manifest,
      { directory: this.directory, output: path, format, beside, scratch },
      { signal, onRows: (rows) => meter.show((written += rows)) },
    );
  }

  /** Removes the shards, which nobody needs any more. */
  clear(): Promise<void> {
    return clearDirectory(this.directory);
  }

  /** Closes the input. Twice is harmless. */
  close(): Promise<void> {
    return this.#source.close();
  }
}

/**
 * Looks through the input and makes its work directory, or goes on with the one that is there.
 * Rejects with BulkError, or what reading and the encoder reject with.
 */
export async function openJob(encoder: BulkEncoder, options: BulkOptions): Promise<BulkJob> {
  const { input, output, shardSize = SHARD_CAPTIONS, empty = "error", signal, onProgress } = options;
  if (!Number.isSafeInteger(shardSize) || shardSize < 1) {
    throw new BulkError(
      "bad-option",
      `embed: expected shardSize to be a whole number from 1, got ${shardSize}`,
    );
  }
  const format = options.outputFormat ?? vectorFormatOf(output);
  if (format === undefined) {
    throw new BulkError(
      "bad-option",
      `${output}: expected a name that ends in .${VECTOR_FORMATS.join(", .")}, or a format`,
    );
  }
  const inputFormat = options.inputFormat ?? captionFormatOf(input);
  const directory = options.workDirectory ?? `${output}.shards`;
  const source = await fileSource(input).catch((cause: Error) => {
    throw new BulkError("bad-input", cause.message, { cause });
  });
  try {
    const captions = await openCaptions(source, inputFormat, options.textColumn, signal);
    const meter = new ProgressMeter("reading", undefined, 0, onProgress);
    const plan = await planShards(captions, { shardSize, empty, signal, onRead: (rows) => meter.show(rows) });
    const beside = outputColumns(
      plan.columns.map(({ name }) => name),
      plan.columns,
      options,
    );
    const manifest: Manifest = {
      version: 1,
      input: { format: inputFormat, bytes: source.size, sha256: await sha256Of(source, signal) },
      options: {
        textColumn: captions.textColumn,
        shardSize,
        empty,
        normalize: options.normalize ?? true,
        more: options.identity ?? {},
      },
      longText: options.longText ?? "error",
      encoder: await identify(encoder, signal),
      plan,
    };
    if (options.resume === false) await clearDirectory(directory);
    await claimDirectory(directory, manifest);
    return new BulkJob({
      manifest,
      directory,
      captions,
      source,
      output: { path: output, format, beside },
      options,
    });
  } catch (error) {
    await source.close();
    throw error;
  }
}

function outputColumns(
  names: readonly string[],
  all: Manifest["plan"]["columns"],
  { input, idColumn, columns, vectorColumn: vectors = "embedding" }: BulkOptions,
): OutputColumns {
  const ids = idColumn ?? (names.includes("id") ? "id" : undefined);
  const missing = [...(ids === undefined ? [] : [ids]), ...(columns ?? [])].find(
    (name) => !names.includes(name),
  );
  if (missing !== undefined) {
    throw new BulkError(
      "bad-option",
      `${basename(input)}: expected a column ${missing}, got ${names.join(", ")}`,
    );
  }
  const chosen = all.filter(({ name }) => name !== ids && (columns === undefined || columns.includes(name)));
  if (ids === vectors || chosen.some(({ name }) => name === vectors)) {
    throw new BulkError(
      "bad-option",
      `${basename(input)}: expected no column ${vectors}, which the vectors are called; rename them`,
    );
  }
  return { vectors, ids, columns: chosen };
}
