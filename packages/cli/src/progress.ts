/** A progress bar on standard error while it is a terminal; nothing at all otherwise. */
import { SingleBar } from "cli-progress";
import type { Io } from "./io.js";

/** See the file's head. */
export class Progress {
  readonly #stream: Io["stderr"] | undefined;
  #bar: SingleBar | undefined;
  #label = "";

  constructor({ stderr, env }: Io) {
    this.#stream = stderr.isTTY && env["TERM"] !== "dumb" ? stderr : undefined;
  }

  /** Shows that `done` of `total` are done; of an unknown total, only how many. A note follows. */
  show(label: string, done: number, total: number | undefined, note = ""): void {
    if (this.#stream === undefined) return;
    if (this.#bar === undefined || this.#label !== label) {
      this.hide();
      const format =
        total === undefined ? `${label} {value} {note}` : `${label} {bar} {value}/{total} {note}`;
      this.#bar = new SingleBar({
        format,
        stream: this.#stream,
        barCompleteChar: "█",
        barIncompleteChar: "░",
        barsize: 30,
        clearOnComplete: true,
        gracefulExit: false, // its handler would swallow the first Ctrl-C
        hideCursor: false,
      });
      this.#bar.start(total ?? done, done, { note });
      this.#label = label;
    }
    this.#bar.setTotal(Math.max(total ?? done, done));
    this.#bar.update(done, { note });
  }

  /** Takes the bar away, before other lines are written to the terminal and at the end. */
  hide(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
