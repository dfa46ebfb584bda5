/**
 * Finds the tensors of a text tower by their names alone, in whichever of the schemes (`schemes.ts`) a file has them.
 *
 * Not here: shapes; where in a larger file the tower lies (`containers.ts`).
 */
import type { TensorEntry } from "../tensor-file.js";
import { CheckpointError } from "./errors.js";
import {
  BLOCK_NAMES,
  HUGGINGFACE_BLOCK,
  HUGGINGFACE_TOP,
  place,
  PROJECTION,
  SCHEMES,
  TOP_NAMES,
} from "./schemes.js";
import type { Naming, Place, Scheme } from "./schemes.js";
import { unsupportedTensors } from "./unsupported.js";

/** A tensor of a file. */
export interface NamedEntry {
  readonly name: string;
  readonly entry: TensorEntry;
}

/** A tensor of a file that is a canonical one, or a third of it. */
export interface MappedPart extends NamedEntry {
  /** The scales of its rows, where it is int8. */
  readonly scale?: NamedEntry;
}

/** A tensor under its canonical name. */
export interface MappedTensor {
  /** Stacked along axis 0: one tensor of the file, or query, key and value. */
  readonly parts: readonly MappedPart[];
  /** Whether the file holds [in, out] where [out, in] is canonical. Only the projection. */
  readonly transposed: boolean;
  /** Whether the file has dimensions of 1 before the canonical ones. Only MobileCLIP's positions. */
  readonly wrapped: boolean;
}

/** The text tower of a file. */
export interface TextTensors {
  readonly naming: Naming;
  /** Canonical name → where it lies. Complete but for the projection, which some files do not have. */
  readonly tensors: ReadonlyMap<string, MappedTensor>;
  readonly layers: number;
  /** The temperature, a logarithm. */
  readonly logitScale: { readonly name: string; readonly entry: TensorEntry } | undefined;
}

/** Parts of a CLIP model that are not its text tower, and the scalars in OpenAI's files. */
const OTHER_PARTS =
  /^(?:(?:visual|vision_model|visual_projection|image_encoder)\.|(?:logit_scale|logit_bias|input_resolution|context_length|vocab_size)$)/;

/** Whether a name says that the tensor belongs to another part of CLIP than the text tower and its temperature. */
export function isOtherPart(name: string): boolean {
  const bare = withoutModule(name);
  return bare !== "logit_scale" && OTHER_PARTS.test(bare);
}

/** 0, 1, 2, …: a buffer that transformers wrote before 4.31. */
const POSITION_IDS = /^(?:text_model\.)?embeddings\.position_ids$/;

/** What DataParallel puts before every name. */
const MODULE = "module.";

/**
 * Finds the scheme of a file by the names of its token table and its positions; nothing else has them.
 * @throws CheckpointError `unknown-naming`
 */
export function recogniseNaming(names: ReadonlyMap<string, unknown>, file: string): Naming {
  const found = schemesOf(names);
  if (found.length === 1) return found[0]!;
  const got = found.length > 1 ? found.join(" and ") : `${names.size} tensors: ${list(names.keys())}`;
  const reason = unsupportedTensors(names.keys());
  throw new CheckpointError(
    reason === undefined ? "unknown-naming" : "unsupported-model",
    `${file}: expected the names of a CLIP text tower as ${Object.keys(SCHEMES).join(", ")} write them, got ${got}` +
      (reason === undefined ? "" : `: ${reason}`),
  );
}

/** The schemes whose token table or positions are among these names. */
export function schemesOf(names: ReadonlyMap<string, unknown>): Naming[] {
  return (Object.keys(SCHEMES) as Naming[]).filter((naming) => {
    const { prefix, top } = SCHEMES[naming];
    return [...top].some(
      ([name, { canonical }]) =>
        (canonical === "token_embedding.weight" || canonical === "positional_embedding") &&
        names.has(prefix + name),
    );
  });
}

/**
 * Maps every tensor of the text tower to its canonical name.
 *
 * Names that are neither of the tower nor of a known other part of CLIP (`visual.…`, `vision_model.…`, `logit_scale`, …)
 * are refused where they could belong to the tower: at any place in the schemes without a prefix, and where they begin
 * with `text` in the others. What is left there (a classifier head, say) is ignored.
 * @throws CheckpointError `unknown-tensor`, `duplicate-tensor`, `missing-tensor`
 */
export function mapTensors(
  entries: ReadonlyMap<string, NamedEntry>,
  naming: Naming,
  file: string,
): TextTensors {
  const scheme = SCHEMES[naming];
  const found = new Map<
    string,
    {
      parts: MappedPart[];
      transposed: boolean;
      wrapped: boolean;
    }
  >();
  const blocks = new Set<number>();
  let logitScale: TextTensors["logitScale"];
  let others = false;
  for (const [bare, { name, entry }] of entries) {
    if (bare === "logit_scale") logitScale = { name, entry };
    if (isScale(bare, entries)) continue;
    const where = locate(bare, scheme);
    if (where === undefined) {
      if (POSITION_IDS.test(bare)) continue;
      if (!OTHER_PARTS.test(bare)) refuseIfText(bare, scheme, naming, file);
      others = true;
      continue;
    }
    if (where.block !== undefined) blocks.add(where.block);
    const tensor = found.get(where.canonical) ?? {
      parts: [],
      transposed: where.transposed ?? false,
      wrapped: where.wrapped ?? false,
    };
    if (tensor.parts[where.part] !== undefined) {
      throw new CheckpointError(
        "duplicate-tensor",
        `${file}: expected one tensor for ${where.canonical}, got ${tensor.parts[where.part]!.name} and ${name}`,
      );
    }
    const scale = entry.dtype === "I8" ? entries.get(bare + SCALE) : undefined;
    tensor.parts[where.part] = scale === undefined ? { name, entry } : { name, entry, scale };
    found.set(where.canonical, tensor);
  }

  const layers = blocks.size;
  const required = [
    ...TOP_NAMES,
    // Without a known block the first one is what is missing.
    ...Array.from({ length: Math.max(1, layers) }, (_, layer) =>
      BLOCK_NAMES.map((name) => `transformer.resblocks.${layer}.${name}`),
    ).flat(),
  ];
  // Text-only files of Hugging Face's CLIPTextModel have no projection; a file with more than a text tower has one.
  if (!scheme.split || others || found.has("text_projection.bias")) required.push(PROJECTION);
  for (const name of required) {
    const expected = scheme.split && name.includes("attn.in_proj_") ? 3 : 1;
    const parts = found.get(name)?.parts ?? [];
    if (parts.filter(Boolean).length !== expected) {
      const part = expected === 3 && parts.length > 0 ? " (query, key and value)" : "";
      throw new CheckpointError(
        "missing-tensor",
        `${file}: expected ${name}${part} in ${naming} naming, found none`,
      );
    }
  }
  return { naming, tensors: found, layers, logitScale };
}

/** What follows the name of an int8 matrix in that of its scales (`convert.ts`). */
const SCALE = "_scale";

function isScale(name: string, entries: ReadonlyMap<string, NamedEntry>): boolean {
  return name.endsWith(SCALE) && entries.get(name.slice(0, -SCALE.length))?.entry.dtype === "I8";
}

/** What Hugging Face's scheme calls a canonical tensor: one name, or those of query, key and value. */
export function huggingFaceNames(canonical: string): string[] {
  if (canonical === PROJECTION) return [PROJECTION];
  const match = /^transformer\.resblocks\.(\d+)\.(.+)$/.exec(canonical);
  const wanted = match === null ? canonical : match[2];
  const table = match === null ? HUGGINGFACE_TOP : HUGGINGFACE_BLOCK;
  const prefix = `${SCHEMES.huggingface.prefix}${match === null ? "" : `encoder.layers.${match[1]}.`}`;
  return [...table].filter(([, place]) => place.canonical === wanted).map(([name]) => prefix + name);
}

function locate(name: string, scheme: Scheme): (Place & { block?: number }) | undefined {
  if (scheme.split && name === PROJECTION) return place(PROJECTION);
  if (!name.startsWith(scheme.prefix)) return undefined;
  const bare = name.slice(scheme.prefix.length);
  const match = scheme.blocks.exec(bare);
  if (match === null) return scheme.top.get(bare);
  const inBlock = scheme.block.get(match[2]!);
  if (inBlock === undefined) return undefined;
  const block = Number(match[1]);
  return { ...inBlock, canonical: `transformer.resblocks.${block}.${inBlock.canonical}`, block };
}

function refuseIfText(name: string, scheme: Scheme, naming: Naming, file: string): void {
  if (scheme.prefix !== "" && !name.startsWith("text")) return;
  const unsupported = unsupportedTensors([name]);
  const reason = unsupported === undefined ? "" : ` (${unsupported})`;
  throw new CheckpointError(
    "unknown-tensor",
    `${file}: expected only tensors of a CLIP text tower in ${naming} naming, got ${list([name])}${reason}`,
  );
}

/** A name without what DataParallel puts before it. */
export function withoutModule(name: string): string {
  return name.startsWith(MODULE) ? name.slice(MODULE.length) : name;
}

/** Some names, short enough for a message. */
export function list(names: Iterable<string>): string {
  const all = [...names];
  const shown = all.slice(0, 4).map((name) => (name.length > 120 ? `${name.slice(0, 120)}…` : name));
  return shown.join(", ") + (all.length > shown.length ? ", …" : "");
}
