/** Errors of encoders in workers. Those of the encoder itself come over with their classes (`error-transfer.ts`). */

/**
 * The worker ended, or something in it threw where nobody caught it; or the page and the worker are of different
 * versions. Everything that waited rejects with it, and so does every later call.
 */
export class WorkerLostError extends Error {
  override readonly name = "WorkerLostError";
}

/** A later call with the same `supersede` took this one's place. */
export class SupersededError extends Error {
  override readonly name = "SupersededError";
}
