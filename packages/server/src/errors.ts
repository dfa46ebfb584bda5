/** Errors of the queue. Those of texts and encoders pass through. */

/** The queue is full: the call may come again. */
export class QueueFullError extends Error {
  override readonly name = "QueueFullError";
  /** When there should be room, in whole seconds from 1: what waits, by the rate of late. */
  readonly retryAfterSeconds: number;

  constructor(message: string, retryAfterSeconds: number) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** A call that would not fit into an empty queue. */
export class CallTooLargeError extends RangeError {
  override readonly name = "CallTooLargeError";
}

/** The queue is closed, or was while the call waited. */
export class QueueClosedError extends Error {
  override readonly name = "QueueClosedError";
}

/** A prompt that cannot be encoded: too long, no well-formed text, or tokens that are not the model's. */
export class PromptError extends RangeError {
  override readonly name = "PromptError";
  /** Place of the prompt in its call. */
  readonly index: number;

  constructor(index: number, message: string, options?: ErrorOptions) {
    super(`prompt ${index}: ${message}`, options);
    this.index = index;
  }
}
