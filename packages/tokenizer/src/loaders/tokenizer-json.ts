// Hugging Face's tokenizer.json → vocabulary. Only CLIP's kind: byte-level BPE with "</w>"; any other is refused, not guessed at.

import { VocabularyError } from "../errors.js";
import type { AddedToken, Vocabulary } from "../vocabulary.js";
import { isId, parseJson, readIds } from "./merges.js";
import { assembleVocabulary, END_OF_TEXT, START_OF_TEXT } from "./vocab-and-merges.js";

const WHO = "vocabularyFromTokenizerJson";

/** Normalizers of the published files; together they are `cleaning: "huggingface"`. */
const NORMALIZERS = ["Sequence", "NFC", "Replace", "Lowercase"];

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads `tokenizer.json`, its added tokens included. The vocabulary says `cleaning: "huggingface"`, which `createTokenizer` then
 * takes as its default.
 *
 * @param json - text of the file, or its value
 * @throws VocabularyError if it is damaged or not of CLIP's kind
 */
export function vocabularyFromTokenizerJson(json: unknown): Vocabulary {
  const file = requireObject(parseJson(json, WHO), "the file");
  const model = requireObject(file["model"], "model");
  if ((model["type"] ?? "BPE") !== "BPE" || model["end_of_word_suffix"] !== "</w>") {
    throw new VocabularyError(
      `${WHO}: expected a BPE model with end_of_word_suffix "</w>", got ${show(model["type"])} with ${show(model["end_of_word_suffix"])}`,
    );
  }
  checkNormalizer(file["normalizer"]);
  const merges = model["merges"];
  if (!Array.isArray(merges))
    throw new VocabularyError(`${WHO}: expected model.merges as a list, got ${show(merges)}`);

  const ids = readIds(model["vocab"], WHO);
  const added = readAdded(file["added_tokens"], ids);
  for (const { content, id } of added) ids.set(content, id);
  return {
    ...assembleVocabulary(ids, merges, WHO),
    addedTokens: added.filter(({ content }) => content !== START_OF_TEXT && content !== END_OF_TEXT),
    cleaning: "huggingface",
  };
}

function checkNormalizer(normalizer: unknown): void {
  if (normalizer === null || normalizer === undefined) return;
  const { type, normalizers } = requireObject(normalizer, "normalizer");
  if (typeof type !== "string" || !NORMALIZERS.includes(type)) {
    throw new VocabularyError(`${WHO}: expected normalizers ${NORMALIZERS.join(", ")}, got ${show(type)}`);
  }
  if (Array.isArray(normalizers)) for (const inner of normalizers) checkNormalizer(inner);
}

function readAdded(
  tokens: unknown,
  ids: ReadonlyMap<string, number>,
): (AddedToken & { readonly id: number })[] {
  if (tokens === null || tokens === undefined) return [];
  if (!Array.isArray(tokens))
    throw new VocabularyError(`${WHO}: expected added_tokens as a list, got ${show(tokens)}`);
  const taken = new Map([...ids].map(([piece, id]) => [id, piece]));
  return tokens.map((token) => {
    const { content, id, single_word: singleWord, normalized } = requireObject(token, "an added token");
    if (
      typeof content !== "string" ||
      content === "" ||
      !isId(id) ||
      (taken.get(id) ?? content) !== content
    ) {
      throw new VocabularyError(
        `${WHO}: expected an added token with a literal and an id of its own, got ${show(token)}`,
      );
    }
    taken.set(id, content);
    return { content, id, singleWord: singleWord === true, normalized: normalized !== false };
  });
}

function requireObject(value: unknown, name: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new VocabularyError(`${WHO}: expected ${name} to be an object, got ${show(value)}`);
  }
  return value as JsonObject;
}

function show(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 60) ?? "nothing";
}
