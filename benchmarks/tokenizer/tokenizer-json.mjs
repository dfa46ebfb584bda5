// The built-in vocabulary as the tokenizer.json that @huggingface/tokenizers reads, with the settings of openai/clip-vit-*.

import { clipVocabulary, createTokenizer } from "@textower/tokenizer";

const special = (id, content, normalized) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized,
  special: true,
});

/** The value of the file. */
export function tokenizerJson() {
  const { size, left, right } = clipVocabulary();
  const pieces = createTokenizer().pieces(Array.from({ length: size }, (_, id) => id));
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [special(49406, "<|startoftext|>", true), special(49407, "<|endoftext|>", false)],
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
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
      merges: Array.from(left, (id, rank) => `${pieces[id]} ${pieces[right[rank]]}`),
    },
  };
}
