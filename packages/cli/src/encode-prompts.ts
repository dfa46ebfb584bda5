/** Vectors of prompts, or an error that says where the prompt stood that is at fault. */
import { TextTooLongError } from "@textower/tokenizer";
import type { ClipTextEncoder, EncodeOptions, EncodeResult } from "textower";
import { BadInputError } from "./errors.js";
import type { InputPrompt } from "./input.js";

/** Rejects as `encode` does, but with BadInputError for a prompt that is too long: which one, and by how much. */
export async function encodePrompts(
  encoder: ClipTextEncoder,
  prompts: readonly InputPrompt[],
  options: EncodeOptions,
): Promise<EncodeResult> {
  try {
    return await encoder.encode(
      prompts.map(({ text }) => text),
      options,
    );
  } catch (cause) {
    if (!(cause instanceof TextTooLongError)) throw cause;
    const { contextLength, length, excess, index } = cause;
    throw new BadInputError(
      `${prompts[index]!.where}: expected at most ${contextLength} tokens, got ${length} (${excess} too many); ` +
        "shorten it, or pass --long-text truncate or windows",
      { cause },
    );
  }
}
