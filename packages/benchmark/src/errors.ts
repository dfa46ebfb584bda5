/** Errors of this package. */

/** A file that is no report. */
export class ReportError extends Error {
  override readonly name = "ReportError";
}
