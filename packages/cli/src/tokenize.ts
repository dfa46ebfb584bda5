/** Tokens of a prompt, or an error that says where the prompt stood. */
import { TextTooLongError } from "@textower/tokenizer";
import type { Encoding, Tokenizer } from "@textower/tokenizer";
import { BadInputError } from "./errors.js";
import type { InputPrompt } from "./input.js";

/** @throws BadInputError that says which prompt is too long, and by how much */
export function tokenize(tokenizer: Tokenizer, { text, where }: InputPrompt, truncate: boolean): Encoding {
  try {
    return tokenizer.encode(text, { truncate });
  } catch (cause) {
    if (!(cause instanceof TextTooLongError)) throw cause;
    const { contextLength, length, excess } = cause;
    throw new BadInputError(
      `${where}: expected at most ${contextLength} tokens, got ${length} (${excess} too many); ` +
        "shorten it, or pass --truncate",
      { cause },
    );
  }
}
