// The built-in vocabulary written as Hugging Face repositories publish it, to read it back and to feed their own library.

import { clipVocabulary } from "../src/index.js";
import { pieceTable } from "../src/vocabulary.js";

const vocabulary = clipVocabulary();
const pieces = pieceTable(vocabulary);

/** [48894] "left right", by rank. */
export const mergeLines: string[] = Array.from(
  vocabulary.left,
  (left, rank) => `${pieces[left]} ${pieces[vocabulary.right[rank]]}`,
);

export const vocabJson: Record<string, number> = Object.fromEntries(pieces.map((piece, id) => [piece, id]));

export const mergesText = `#version: 0.2\n${mergeLines.join("\n")}\n`;

const added = (id: number, normalized: boolean): object => ({
  id,
  content: pieces[id],
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized,
  special: true,
});

/** tokenizer.json with the settings of openai/clip-vit-*. */
export const tokenizerJson = {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: [added(49406, true), added(49407, false)],
  normalizer: {
    type: "Sequence",
    normalizers: [
      { type: "NFC" },
      { type: "Replace", pattern: { Regex: "\\s+" }, content: " " },
      { type: "Lowercase" },
    ],
  },
  pre_tokenizer: {
    type: "Sequence",
    pretokenizers: [
      {
        type: "Split",
        pattern: { Regex: "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+" },
        behavior: "Removed",
        invert: true,
      },
      { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
    ],
  },
  post_processor: {
    type: "RobertaProcessing",
    sep: ["<|endoftext|>", 49407],
    cls: ["<|startoftext|>", 49406],
    trim_offsets: false,
    add_prefix_space: false,
  },
  decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true },
  model: {
    type: "BPE",
    dropout: null,
    unk_token: "<|endoftext|>",
    continuing_subword_prefix: "",
    end_of_word_suffix: "</w>",
    fuse_unk: false,
    vocab: vocabJson,
    merges: mergeLines,
  },
};
