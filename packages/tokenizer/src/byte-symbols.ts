// The 256 characters that stand for bytes in CLIP's vocabulary files. Not a text encoding: it only makes bytes printable.
// Order and mapping: openai/CLIP, clip/simple_tokenizer.py, bytes_to_unicode.

/** Marks the last symbol of a word in vocabulary files. */
export const END_OF_WORD = "</w>";

const isPrintable = (byte: number): boolean =>
  (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;

const bytes = (): number[] => Array.from({ length: 256 }, (_, byte) => byte);

/** [256] The bytes in the order of their ids, which is not their own order: id 0 is byte 33, "!". */
export function bytesInIdOrder(): number[] {
  return [...bytes().filter((byte) => isPrintable(byte)), ...bytes().filter((byte) => !isPrintable(byte))];
}

/** [256] The character that stands for each byte, by byte. */
export function symbolsByByte(): string[] {
  const symbols: string[] = [];
  for (const [id, byte] of bytesInIdOrder().entries()) {
    // 188 bytes are printable; the others follow as U+0100, U+0101, …
    symbols[byte] = String.fromCharCode(isPrintable(byte) ? byte : 256 + id - 188);
  }
  return symbols;
}
