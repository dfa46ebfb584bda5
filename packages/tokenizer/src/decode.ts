// Tokens → text. Not an inverse of encoding: case, accents' form and spacing were lost there.

import { END_OF_WORD, symbolsByByte } from "./byte-symbols.js";
import { pieceTable, type Vocabulary } from "./vocabulary.js";

/** Names tokens and joins them to text. */
export class Decoder {
  readonly #pieces: string[]; // [size or more]
  readonly #whole: ReadonlySet<number>; // ids that stand for a literal, not for bytes
  readonly #bytes: ReadonlyMap<string, number>;

  /** @param literals - special and added tokens */
  constructor(
    vocabulary: Vocabulary,
    literals: readonly { readonly content: string; readonly id: number }[],
  ) {
    this.#pieces = pieceTable(vocabulary);
    for (const { content, id } of literals) this.#pieces[id] = content;
    this.#whole = new Set(literals.map(({ id }) => id));
    this.#bytes = new Map([...symbolsByByte().entries()].map(([byte, symbol]) => [symbol, byte]));
  }

  /**
   * The piece of each id as vocabulary files spell it.
   *
   * @throws RangeError for an id that is no token
   */
  pieces(ids: Iterable<number>): string[] {
    const pieces: string[] = [];
    for (const id of ids) {
      const piece = this.#pieces[id];
      if (piece === undefined || piece === "") {
        throw new RangeError(
          `decode: expected ids of tokens (0 … ${this.#pieces.length - 1}), got ${String(id)}`,
        );
      }
      pieces.push(piece);
    }
    return pieces;
  }

  /** Text of the ids but those in `skipped`: a space after each word, none at the end; bytes that are no UTF-8 as U+FFFD. */
  decode(ids: Iterable<number>, skipped: ReadonlySet<number>): string {
    const bytes: number[] = [];
    let text = "";
    const flush = (): void => {
      text += new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
      bytes.length = 0;
    };
    const kept = Array.from(ids).filter((id) => !skipped.has(id));
    for (const [i, piece] of this.pieces(kept).entries()) {
      if (this.#whole.has(kept[i])) {
        flush();
        text += `${piece} `;
        continue;
      }
      const ends = piece.endsWith(END_OF_WORD);
      for (const symbol of ends ? piece.slice(0, -END_OF_WORD.length) : piece) {
        bytes.push(this.#bytes.get(symbol) as number);
      }
      if (ends) bytes.push(0x20);
    }
    flush();
    return text.trimEnd();
  }
}
