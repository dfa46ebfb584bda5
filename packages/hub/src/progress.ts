/** Progress of downloads: bytes, totals and a rate, per file and overall. */

/** What has come over the network. */
export interface HubProgress {
  /** The file within the repository. */
  readonly path: string;
  /** Bytes of this file that are here, those of an interrupted download included. */
  readonly bytes: number;
  /** Bytes of this file that are wanted so far: its size, or where parts are read the sum of those. */
  readonly total: number;
  /** Bytes per second of all files together, over the last three seconds. */
  readonly rate: number;
  /** All files of the collection together. */
  readonly overall: { readonly bytes: number; readonly total: number };
}

/** Counts for one file. */
export interface FileProgress {
  /** More bytes are wanted. */
  want(bytes: number): void;
  /** Bytes are there that need not come again; fewer than before if they turned out to be useless. */
  have(bytes: number): void;
  /** Bytes have come. */
  add(bytes: number): void;
}

const WINDOW_MS = 3000;
/** Least time between two events; the one that completes a file is never left out. */
const INTERVAL_MS = 100;

/** Of one collection. */
export class ProgressMeter {
  readonly #listener: ((progress: HubProgress) => void) | undefined;
  readonly #files: { bytes: number; total: number }[] = [];
  /** Arrivals of the last seconds: [time, bytes]. */
  #arrivals: [number, number][] = [];
  #last = -Infinity;

  constructor(listener: ((progress: HubProgress) => void) | undefined) {
    this.#listener = listener;
  }

  file(path: string): FileProgress {
    const file = { bytes: 0, total: 0 };
    this.#files.push(file);
    return {
      want: (bytes) => {
        file.total += bytes;
      },
      have: (bytes) => {
        file.bytes = bytes;
      },
      add: (bytes) => {
        file.bytes += bytes;
        this.#tell(path, file, bytes);
      },
    };
  }

  #tell(path: string, file: { bytes: number; total: number }, came: number): void {
    if (this.#listener === undefined) return;
    const now = performance.now();
    this.#arrivals.push([now, came]);
    if (now - this.#last < INTERVAL_MS && file.bytes < file.total) return;
    this.#last = now;
    this.#arrivals = this.#arrivals.filter(([time]) => now - time <= WINDOW_MS);
    const seconds = Math.max(now - this.#arrivals[0]![0], INTERVAL_MS) / 1000;
    const sum = (of: (file: { bytes: number; total: number }) => number): number =>
      this.#files.reduce((total, file) => total + of(file), 0);
    this.#listener({
      path,
      bytes: file.bytes,
      total: file.total,
      rate: this.#arrivals.reduce((total, [, bytes]) => total + bytes, 0) / seconds,
      overall: { bytes: sum(({ bytes }) => bytes), total: sum(({ total }) => total) },
    });
  }
}
