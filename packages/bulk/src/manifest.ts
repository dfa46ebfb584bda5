/**
 * `manifest.json` of a work directory: what its shards are made from, and how. Shards of one manifest may be put together,
 * whoever made them and when; anything else is refused.
 */
import { mkdir, readdir, readFile, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { CaptionFormat } from "./captions/caption-file.js";
import { writeDurably, PART } from "./durable-file.js";
import type { BulkEncoder, LongTextPolicy } from "./encoder.js";
import { BulkError } from "./errors.js";
import type { EmptyTextPolicy, Plan } from "./plan.js";

/** See the file's head. */
export interface Manifest {
  readonly version: 1;
  readonly input: { readonly format: CaptionFormat; readonly bytes: number; readonly sha256: string };
  readonly options: {
    readonly textColumn: string;
    readonly shardSize: number;
    readonly empty: EmptyTextPolicy;
    readonly normalize: boolean;
    /** What else distinguishes how texts become vectors, in the caller's words. */
    readonly more: Readonly<Record<string, string>>;
  };
  /** Not in `options`: where no text was too long, policies do not differ. */
  readonly longText: LongTextPolicy;
  readonly encoder: EncoderIdentity;
  readonly plan: Plan;
}

/** Which checkpoint, and what computes. */
export interface EncoderIdentity {
  readonly checkpoint: string;
  readonly backend: string;
  readonly precision: string;
  readonly embedDim: number;
  /** The vector of `PROBE`: two checkpoints of one name differ here. */
  readonly probe: readonly number[];
}

/** Any sentence would do. */
const PROBE = "a photo of a small red circle and a large blue star";
/** Largest difference of two probes of one checkpoint, relative to the largest number: precisions are compared before. */
const PROBE_TOLERANCE = 1e-2;

const MANIFEST = "manifest.json";
const SHARD = /^shard-(\d{6,})\.npy$/;

/** Rejects with what the encoder rejects with. */
export async function identify(encoder: BulkEncoder, signal?: AbortSignal): Promise<EncoderIdentity> {
  const { backend, precision, embedDim } = encoder.info;
  const checkpoint = shortName(encoder.info.checkpoint);
  const options = { normalize: true, longText: "truncate", ...(signal !== undefined && { signal }) } as const;
  const { data } = await encoder.encode([PROBE], options);
  return {
    checkpoint,
    backend,
    precision,
    embedDim,
    probe: Array.from(data, (value) => Number(value.toPrecision(6))),
  };
}

/** The last two parts of a path or address: what does not change from machine to machine. */
function shortName(checkpoint: string): string {
  return checkpoint.split(/[?#]/, 1)[0]!.split(/[/\\]/).filter(Boolean).slice(-2).join("/");
}

/** The file of a shard. */
export function shardPath(directory: string, shard: number): string {
  return join(directory, `shard-${String(shard).padStart(6, "0")}.npy`);
}

/** Numbers of the shards that are finished, ascending. */
export async function finishedShards(directory: string): Promise<number[]> {
  const numbers = (await readdir(directory)).map((name) => SHARD.exec(name)?.[1]);
  return numbers
    .filter((number) => number !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/**
 * Makes a work directory, or goes on with one that has the same manifest.
 * Rejects with BulkError `other-job` that says in what they differ.
 */
export async function claimDirectory(directory: string, manifest: Manifest): Promise<void> {
  await mkdir(directory, { recursive: true });
  const found = await readManifest(directory);
  if (found === undefined) {
    if ((await finishedShards(directory)).length > 0) {
      throw new BulkError("other-job", `${directory}: expected ${MANIFEST} beside the shards, got none`);
    }
    return writeManifest(directory, manifest);
  }
  const differences = differencesOf(found, manifest);
  if (differences.length > 0) {
    throw new BulkError(
      "other-job",
      `${directory}: expected shards of the same input, options and encoder, got others (${differences.join("; ")}); ` +
        "start over, or use another directory",
    );
  }
  if (found.longText !== manifest.longText) await writeManifest(directory, manifest);
}

function writeManifest(directory: string, manifest: Manifest): Promise<void> {
  return writeDurably(join(directory, MANIFEST), (file) =>
    file.writeFile(`${JSON.stringify(manifest, null, 1)}\n`),
  );
}

/** @returns undefined where there is none. Rejects with BulkError `other-job` for one that cannot be read. */
export async function readManifest(directory: string): Promise<Manifest | undefined> {
  let text: string;
  try {
    text = await readFile(join(directory, MANIFEST), "utf8");
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const manifest = JSON.parse(text) as Manifest;
    if (manifest.version === 1) return manifest;
  } catch {
    // said below
  }
  throw new BulkError(
    "other-job",
    `${join(directory, MANIFEST)}: expected a manifest of version 1, got something else`,
  );
}

/** In what two jobs differ, in words; empty if the shards of one are those of the other. */
export function differencesOf(found: Manifest, wanted: Manifest): string[] {
  const differences: string[] = [];
  const compare = (what: string, one: unknown, other: unknown): void => {
    const [before, now] = [JSON.stringify(one), JSON.stringify(other)];
    if (before !== now) differences.push(`${what} was ${before}, is ${now}`);
  };
  for (const key of ["format", "bytes", "sha256"] as const) {
    compare(`the input's ${key}`, found.input[key], wanted.input[key]);
  }
  for (const key of ["textColumn", "shardSize", "empty", "normalize"] as const) {
    compare(key, found.options[key], wanted.options[key]);
  }
  const more = new Set([...Object.keys(found.options.more), ...Object.keys(wanted.options.more)]);
  for (const key of more) compare(key, found.options.more[key], wanted.options.more[key]);
  // A shard that was made under "error" has no text that another policy would change.
  if (found.longText !== "error") compare("longText", found.longText, wanted.longText);
  differences.push(...encoderDifferences(found.encoder, wanted.encoder));
  return differences;
}

/** As `differencesOf`, of two encoders. */
export function encoderDifferences(found: EncoderIdentity, wanted: EncoderIdentity): string[] {
  const differences = (["checkpoint", "backend", "precision", "embedDim"] as const)
    .filter((key) => found[key] !== wanted[key])
    .map((key) => `the encoder's ${key} was ${found[key]}, is ${wanted[key]}`);
  if (differences.length > 0) return differences;
  const largest = Math.max(...wanted.probe.map(Math.abs));
  const off = Math.max(...wanted.probe.map((value, i) => Math.abs(value - found.probe[i]!)));
  return off <= PROBE_TOLERANCE * largest ? [] : ["the encoder is another of the same name"];
}

/** Removes a work directory's manifest, shards and unfinished files, and the directory if nothing else is in it. */
export async function clearDirectory(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  const isOurs = (name: string): boolean => name === MANIFEST || SHARD.test(name) || name.endsWith(PART);
  // The manifest goes last: shards without one belong to nobody.
  const ours = names.filter(isOurs).sort((a, b) => Number(a === MANIFEST) - Number(b === MANIFEST));
  for (const name of ours) await rm(join(directory, name), { force: true });
  await rmdir(directory).catch(() => undefined);
}
