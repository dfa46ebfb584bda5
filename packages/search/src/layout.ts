/** `checkLayout`: whether what is stored was made for what it is opened as. */
import type { IndexLayout } from "./engine.js";
import { SearchError } from "./errors.js";

/** @throws SearchError `width` or `checkpoint` */
export function checkLayout(
  who: string,
  expected: IndexLayout,
  stored: { readonly dimension?: unknown; readonly checkpoint?: unknown },
): void {
  if (stored.dimension !== expected.dimension) {
    throw new SearchError(
      "width",
      `${who}: expected an index of width ${expected.dimension}, got ${String(stored.dimension)}`,
    );
  }
  if (stored.checkpoint !== expected.checkpoint) {
    throw new SearchError(
      "checkpoint",
      `${who}: expected an index of ${expected.checkpoint}, got one of ${String(stored.checkpoint)}`,
    );
  }
}
