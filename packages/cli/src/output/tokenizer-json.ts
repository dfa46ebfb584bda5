/**
 * CLIP's vocabulary as a `tokenizer.json`, with the pipeline that the one published with openai/clip-vit-large-patch14
 * has: NFC, white space, lower case, CLIP's pattern, byte-level BPE.
 */
import type { Vocabulary } from "@textower/tokenizer";

const END_OF_WORD = "</w>";

/** @param vocabulary - CLIP's own: its byte symbols are ids 0 to 255 in OpenAI's order */
export function tokenizerJson(vocabulary: Vocabulary): string {
  const { byteIds, left, right, result, startOfText, endOfText, size } = vocabulary;
  const pieces: string[] = Array.from({ length: size }, () => "");
  for (const [byte, symbol] of byteSymbols().entries()) {
    pieces[byteIds[byte]!] = symbol;
    pieces[byteIds[256 + byte]!] = symbol + END_OF_WORD;
  }
  const merges: string[] = [];
  for (const [rank, id] of result.entries()) {
    const [first, second] = [pieces[left[rank]!]!, pieces[right[rank]!]!];
    pieces[id] = first + second;
    merges.push(`${first} ${second}`);
  }
  for (const { id, content } of [startOfText, endOfText]) pieces[id] = content;
  const special = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return JSON.stringify({
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [startOfText, endOfText].map(({ id, content }) => ({ id, content, ...special })),
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
      sep: [endOfText.content, endOfText.id],
      cls: [startOfText.content, startOfText.id],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: endOfText.content,
      continuing_subword_prefix: "",
      end_of_word_suffix: END_OF_WORD,
      fuse_unk: false,
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
      merges,
    },
  });
}

/** [256] The printable character that stands for each byte: openai/CLIP, clip/simple_tokenizer.py, bytes_to_unicode. */
function byteSymbols(): string[] {
  let others = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(printable ? byte : others++);
  });
}
