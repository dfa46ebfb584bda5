// vocab.json + merges.txt, the older pair of files of Hugging Face repositories → vocabulary.

import { VocabularyError } from "../errors.js";
import type { Vocabulary } from "../vocabulary.js";
import { byteIdsFrom, parseJson, parseMerges, readIds, resolveMerges } from "./merges.js";

const WHO = "vocabularyFromVocabAndMerges";

/** The literals that CLIP's vocabularies hold: openai/clip-vit-* vocab.json. */
export const START_OF_TEXT = "<|startoftext|>";
export const END_OF_TEXT = "<|endoftext|>";

/**
 * Reads `vocab.json` and `merges.txt`. These two prescribe no cleaning.
 *
 * @param vocabJson - text of vocab.json, or its value
 * @param mergesText - text of merges.txt: a "#version" line, then one merge a line
 * @throws VocabularyError if either is damaged, they disagree, or a byte or special token is missing
 */
export function vocabularyFromVocabAndMerges(vocabJson: unknown, mergesText: string): Vocabulary {
  if (typeof mergesText !== "string") {
    throw new TypeError(`${WHO}: expected the text of merges.txt, got ${typeof mergesText}`);
  }
  const ids = readIds(parseJson(vocabJson, WHO), WHO);
  const lines = mergesText.split("\n").filter((line) => line.trim() !== "");
  if (lines[0]?.startsWith("#version")) lines.shift();
  return assembleVocabulary(ids, lines, WHO);
}

/** Ids and merges of either kind of Hugging Face file → vocabulary. */
export function assembleVocabulary(
  ids: ReadonlyMap<string, number>,
  merges: readonly unknown[],
  who: string,
): Vocabulary {
  const special = (content: string): Vocabulary["startOfText"] => {
    const id = ids.get(content);
    if (id === undefined)
      throw new VocabularyError(`${who}: expected the token ${content}, got a vocabulary without it`);
    return { content, id };
  };
  let size = 0;
  for (const id of ids.values()) size = Math.max(size, id + 1);
  return {
    size,
    byteIds: byteIdsFrom(ids, who),
    ...resolveMerges(parseMerges(merges, who), ids, who),
    startOfText: special(START_OF_TEXT),
    endOfText: special(END_OF_TEXT),
    addedTokens: [],
  };
}
