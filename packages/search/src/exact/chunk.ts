/**
 * `Chunk`: a bounded number of vectors, and their dot products with queries. The vectors are the weight of a graph
 * with one `linear`, so a backend keeps them as its kernel wants them. What was added since that was compiled is
 * multiplied in a loop, and compiled with the rest once it is more than a few thousand rows.
 *
 * A sealed chunk has its vectors only there, not twice. They are read back by multiplying them with the identity: a
 * product with 1, and sums with zeros, are exact. In another precision than float32 they are not, so plain ones are kept.
 *
 * Not here: ids, metadata, what is deleted (`engine.ts`).
 */
import { GraphBuilder, tensor } from "@textower/graph";
import type { Backend, Executable, Precision } from "@textower/graph";

/** Queries of one run. With a chunk of 2^18 rows their scores take 32 MiB. */
export const QUERY_ROWS = 32;

/** Rows that a loop multiplies; beyond that everything is compiled again. */
const MOST_LOOSE = 4096;

/** Rows that memory is first taken for. */
const FIRST_ROWS = 1024;

/** How chunks are computed. */
export interface ChunkOptions {
  readonly backend: Backend;
  readonly precision: Precision;
  readonly dimension: number;
  /** Most rows of a chunk. */
  readonly capacity: number;
}

/** Scores of some rows. */
export interface Scores {
  readonly first: number;
  readonly rows: number;
  /** [queries, rows] */
  readonly data: Float32Array;
}

/** See the file's head. */
export class Chunk {
  readonly #options: ChunkOptions;
  /** [at least rows, dimension]; absent where only the executable has them. */
  #plain: Float32Array | undefined;
  #executable: Executable | undefined;
  /** Rows that the executable has. */
  #compiled = 0;
  #rows = 0;
  #sealed = false;

  constructor(options: ChunkOptions) {
    this.#options = options;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Whether nothing more can be added. */
  get sealed(): boolean {
    return this.#sealed;
  }

  /** Takes over as many vectors as there is room for. @param vectors - [count, dimension] @returns how many */
  append(vectors: Float32Array): number {
    const { dimension, capacity } = this.#options;
    const count = Math.min(vectors.length / dimension, capacity - this.#rows);
    this.#grow(this.#rows + count);
    this.#plain!.set(vectors.subarray(0, count * dimension), this.#rows * dimension);
    this.#rows += count;
    return count;
  }

  /** Nothing more will be added. */
  async seal(): Promise<void> {
    this.#sealed = true;
    await this.#compile();
  }

  /** @param queries - [count, dimension], at most QUERY_ROWS */
  async scores(queries: Float32Array): Promise<Scores[]> {
    if (this.#rows - this.#compiled > (this.#sealed ? 0 : MOST_LOOSE)) await this.#compile();
    const { dimension } = this.#options;
    const [count, compiled, loose] = [
      queries.length / dimension,
      this.#compiled,
      this.#rows - this.#compiled,
    ];
    const scores: Scores[] = [];
    if (compiled > 0) {
      const x = tensor("float32", [count, dimension], queries);
      const { y } = await this.#executable!.run({ x });
      scores.push({ first: 0, rows: compiled, data: y!.data as Float32Array });
    }
    if (loose > 0) {
      const data = new Float32Array(count * loose); // [count, loose]
      for (let query = 0; query < count; query++) {
        const vector = queries.subarray(query * dimension, (query + 1) * dimension);
        for (let row = 0; row < loose; row++) data[query * loose + row] = this.#dot(compiled + row, vector);
      }
      scores.push({ first: compiled, rows: loose, data });
    }
    return scores;
  }

  /** The exact dot product of a row and a query, where the scores are those of a lower precision. */
  exactScore(row: number, query: Float32Array): number {
    return this.#dot(row, query);
  }

  /** All vectors. @returns [rows, dimension], to be read only */
  async vectors(): Promise<Float32Array> {
    const { dimension } = this.#options;
    if (this.#rows === 0) return new Float32Array(0);
    return this.#plain?.subarray(0, this.#rows * dimension) ?? (await this.#readBack());
  }

  /** Keeps only these rows, in rising order. */
  async keep(rows: readonly number[]): Promise<void> {
    const { dimension } = this.#options;
    const vectors = await this.vectors();
    const kept = new Float32Array(rows.length * dimension); // [rows, dimension]
    rows.forEach((row, i) =>
      kept.set(vectors.subarray(row * dimension, (row + 1) * dimension), i * dimension),
    );
    await this.dispose();
    this.#plain = kept;
    this.#rows = rows.length;
  }

  async dispose(): Promise<void> {
    await this.#executable?.dispose();
    this.#executable = this.#plain = undefined;
    this.#compiled = this.#rows = 0;
  }

  #dot(row: number, vector: Float32Array): number {
    const plain = this.#plain!;
    const base = row * vector.length;
    let sum = 0;
    for (let i = 0; i < vector.length; i++) sum += plain[base + i]! * vector[i]!;
    return sum;
  }

  #grow(rows: number): void {
    const { dimension, capacity } = this.#options;
    const room = (this.#plain?.length ?? 0) / dimension;
    if (rows <= room) return;
    const grown = new Float32Array(Math.min(capacity, Math.max(rows, FIRST_ROWS, 2 * room)) * dimension);
    if (this.#plain !== undefined) grown.set(this.#plain.subarray(0, this.#rows * dimension));
    this.#plain = grown;
  }

  async #compile(): Promise<void> {
    const { backend, precision, dimension } = this.#options;
    const rows = this.#rows;
    const g = new GraphBuilder();
    const y = g.linear(
      g.input("x", "float32", ["queries", dimension]),
      g.weight("vectors", [rows, dimension]),
    );
    const data = this.#plain!.subarray(0, rows * dimension);
    const weights = { read: () => Promise.resolve(tensor("float32", [rows, dimension], data)) };
    await this.#executable?.dispose();
    this.#executable = undefined;
    this.#compiled = 0;
    this.#executable = await backend.compile(g.build({ y }), weights, { precision, maxRows: QUERY_ROWS });
    this.#compiled = rows;
    if (this.#sealed && precision === "float32") this.#plain = undefined;
  }

  async #readBack(): Promise<Float32Array> {
    const { dimension } = this.#options;
    const rows = this.#rows;
    const vectors = new Float32Array(rows * dimension); // [rows, dimension]
    for (let first = 0; first < dimension; first += QUERY_ROWS) {
      const count = Math.min(QUERY_ROWS, dimension - first);
      const identity = new Float32Array(count * dimension); // rows of the identity
      for (let i = 0; i < count; i++) identity[i * dimension + first + i] = 1;
      const { y } = await this.#executable!.run({ x: tensor("float32", [count, dimension], identity) });
      const columns = y!.data as Float32Array; // [count, rows]
      for (let row = 0; row < rows; row++) {
        for (let i = 0; i < count; i++) vectors[row * dimension + first + i] = columns[i * rows + row]!;
      }
    }
    return vectors;
  }
}
