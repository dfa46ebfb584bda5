/**
 * Texts of more tokens than the context holds: what may become of them, and how they are cut into windows.
 *
 * Not here: from the windows' vectors to the prompt's (`window-results.ts`).
 */

/**
 * What becomes of a text that is too long.
 * - `error`: `TextTooLongError`
 * - `truncate`: its last tokens are cut off, as the original implementation does it
 * - `windows`: it is cut into windows that fit, each with a start and an end of text; its vector is the mean of theirs
 */
export type LongText = "error" | "truncate" | "windows";

/** The policy for long texts, in full. */
export interface LongTextPolicy {
  readonly longText: LongText;
  readonly windowOverlap: number;
}

/** Options that say so. */
export interface LongTextOptions {
  /** What becomes of a text of more tokens than fit; see `LongText`. Default "error". */
  readonly longText?: LongText;
  /**
   * Tokens that neighbouring windows have in common, so that what stands at a border is seen with both of its sides. Less
   * than a window holds: 75 of CLIP's 77. Default 0.
   */
  readonly windowOverlap?: number;
}

/**
 * The policy that options ask for.
 * @param contextLength - tokens that fit, start and end of text included
 * @throws RangeError for a policy that there is none of, and for an overlap that is no whole number, not less than a window,
 * or has no windows to overlap
 */
export function longTextPolicy(
  { longText = "error", windowOverlap = 0 }: LongTextOptions,
  contextLength: number,
): LongTextPolicy {
  if (longText !== "error" && longText !== "truncate" && longText !== "windows") {
    throw new RangeError(
      `encode: expected longText "error", "truncate" or "windows", got ${JSON.stringify(longText)}`,
    );
  }
  const most = longText === "windows" ? contextLength - 3 : 0;
  if (!(Number.isInteger(windowOverlap) && windowOverlap >= 0 && windowOverlap <= most)) {
    throw new RangeError(
      `encode: expected a windowOverlap of 0 to ${most} with longText "${longText}", got ${windowOverlap}`,
    );
  }
  return { longText, windowOverlap };
}

/**
 * Cuts tokens into as few windows as can be, of equal length but for one token: a last window of a few tokens would weigh as
 * much in the mean as all the others. A border may fall within a word.
 * @param ids - start of text, …, end of text; more than `contextLength`
 * @returns ids of each window, with the start and the end of `ids`; new arrays
 */
export function cutIntoWindows(ids: Int32Array, contextLength: number, overlap: number): Int32Array[] {
  const inner = ids.subarray(1, -1);
  const count = Math.ceil((inner.length - overlap) / (contextLength - 2 - overlap));
  const total = inner.length + (count - 1) * overlap; // tokens of all windows, the common ones twice
  return Array.from({ length: count }, (_, window) => {
    const begin = Math.floor((window * total) / count) - window * overlap;
    const end = Math.floor(((window + 1) * total) / count) - window * overlap;
    return Int32Array.of(ids[0]!, ...inner.subarray(begin, end), ids.at(-1)!);
  });
}
