// What a tokenizer has to know of a vocabulary, as plain data. Not a reader of files: those are in loaders/.

import { END_OF_WORD, symbolsByByte } from "./byte-symbols.js";

/**
 * How a text is cleaned before it is split.
 *
 * - `"openai"`: as openai/CLIP does: ftfy's fixes, HTML entities twice, whitespace, lower case.
 * - `"plain"`: the same without ftfy.
 * - `"huggingface"`: as the published tokenizer.json prescribes: NFC, whitespace, lower case.
 */
export type Cleaning = "openai" | "plain" | "huggingface";

/** A token that has an id of its own and is never made by merging. */
export interface SpecialToken {
  /** The literal that stands for the token in a text. */
  readonly content: string;
  readonly id: number;
}

/** A token added to a vocabulary, as for textual inversion. */
export interface AddedToken {
  /** The literal to look for, anywhere in the text. The longest that fits wins. */
  readonly content: string;
  /** Row in the token embedding. Default: the next free id. */
  readonly id?: number;
  /** Only where no letter, number or underscore is beside it. Default false. */
  readonly singleWord?: boolean;
  /** Looked for in the cleaned text, so that case does not matter (default), or, if false, exactly, in the text as it came. */
  readonly normalized?: boolean;
}

/** A byte-level BPE vocabulary with end-of-word symbols. M = merges. */
export interface Vocabulary {
  /** Ids are 0 … size − 1, start and end of text included. */
  readonly size: number;
  /** [512] Id of each byte inside a word, then of each byte at the end of a word. */
  readonly byteIds: Int32Array;
  /** [M] First id of each merge; the index is its rank, rank 0 first. */
  readonly left: Int32Array;
  /** [M] Second id of each merge. */
  readonly right: Int32Array;
  /** [M] Id that the two become. */
  readonly result: Int32Array;
  readonly startOfText: SpecialToken;
  readonly endOfText: SpecialToken;
  /** Further tokens that came with the file. */
  readonly addedTokens: readonly AddedToken[];
  /** The cleaning that the file prescribes, if it does. */
  readonly cleaning?: Cleaning;
}

/**
 * The pieces of a vocabulary as its files spell them: "photo</w>", byte symbols for bytes.
 *
 * @returns [size]; ids that no merge, byte or special token has are ""
 */
export function pieceTable(vocabulary: Vocabulary): string[] {
  const { size, byteIds, left, right, result, startOfText, endOfText } = vocabulary;
  const pieces = Array.from({ length: size }, () => "");
  for (const [byte, symbol] of symbolsByByte().entries()) {
    pieces[byteIds[byte]] = symbol;
    pieces[byteIds[256 + byte]] = symbol + END_OF_WORD;
  }
  for (let rank = 0; rank < result.length; rank++) {
    pieces[result[rank]] = pieces[left[rank]] + pieces[right[rank]];
  }
  pieces[startOfText.id] = startOfText.content;
  pieces[endOfText.id] = endOfText.content;
  return pieces;
}
