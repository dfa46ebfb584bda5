/** How far a job is, how fast, and how long it will take. */

/** Told now and then. */
export interface BulkProgress {
  /** `reading`: the input is looked through; `encoding`; `writing`: shards become the output. */
  readonly phase: "reading" | "encoding" | "writing";
  /** Vectors that are done, those of earlier runs included. */
  readonly done: number;
  /** Vectors in all; undefined while that is found out. */
  readonly total: number | undefined;
  /** Of this run. */
  readonly rowsPerSecond: number;
  /** Undefined where the total or the rate is. */
  readonly secondsLeft: number | undefined;
}

/** Makes reports of one phase. */
export class ProgressMeter {
  readonly #begin = performance.now();
  readonly #already: number;

  constructor(
    readonly phase: BulkProgress["phase"],
    readonly total: number | undefined,
    already: number,
    readonly report: ((progress: BulkProgress) => void) | undefined,
  ) {
    this.#already = already;
    if (phase !== "reading") this.show(already);
  }

  /** @param done - vectors, those of earlier runs included */
  show(done: number): void {
    if (this.report === undefined) return;
    const seconds = (performance.now() - this.#begin) / 1000;
    const rowsPerSecond = seconds > 0 ? (done - this.#already) / seconds : 0;
    const { phase, total } = this;
    const secondsLeft =
      total === undefined || rowsPerSecond === 0 ? undefined : (total - done) / rowsPerSecond;
    this.report({ phase, done, total, rowsPerSecond, secondsLeft });
  }
}
