/** Columns taken some rows at a time, whatever their pages and row groups. Errors name the column and where it broke. */
import type { ByteSource } from "@textower/weights";
import type { RowGroup } from "hyparquet";
import { VectorFileError } from "../errors.js";
import type { Column } from "./columns.js";
import { reason } from "./footer.js";
import { pagesOf } from "./pages.js";
import type { Page } from "./pages.js";

/** The pages of a column in all row groups. */
export async function* pages(
  source: ByteSource,
  groups: readonly RowGroup[],
  column: Column,
  signal: AbortSignal | undefined,
): AsyncGenerator<Page, void, undefined> {
  for (const [index, { columns }] of groups.entries()) {
    const chunk = columns[column.place];
    try {
      if (chunk === undefined) throw new RangeError("expected the column in each row group, got one without");
      yield* pagesOf(source, chunk, column, signal);
    } catch (cause) {
      signal?.throwIfAborted();
      const passes =
        cause instanceof VectorFileError || (cause as { name?: unknown }).name === "ByteSourceError";
      if (passes) throw cause;
      const isUnsupported = /unsupported|not supported/.test(reason(cause));
      throw new VectorFileError(
        isUnsupported ? "unsupported" : "bad-header",
        `${source.name}: ${column.name}, row group ${index}: ${reason(cause)}`,
        { cause },
      );
    }
  }
}

/** Takes numbers of a column of lists, some rows at a time, and holds its levels against one length. */
export class VectorCursor {
  readonly #pages: AsyncGenerator<Page, void, undefined>;
  readonly #column: Column;
  readonly #name: string;
  readonly #dimension: number;
  #page: Page | undefined;
  /** Numbers of `#page` that were taken. */
  #at = 0;
  /** Numbers that were taken in all. */
  #taken = 0;

  constructor(
    source: ByteSource,
    groups: readonly RowGroup[],
    column: Column,
    dimension: number,
    signal: AbortSignal | undefined,
  ) {
    this.#pages = pages(source, groups, column, signal);
    this.#column = column;
    this.#name = `${source.name}: ${column.name}`;
    this.#dimension = dimension;
  }

  /** @returns [rows, dimension] */
  async take(rows: number): Promise<Float32Array> {
    const data = new Float32Array(rows * this.#dimension);
    for (let filled = 0; filled < data.length;) {
      const page = await this.#current();
      const values = page.values as ArrayLike<number>;
      const length = Math.min(data.length - filled, page.entries - this.#at);
      if (values instanceof Float32Array) data.set(values.subarray(this.#at, this.#at + length), filled);
      else for (let i = 0; i < length; i++) data[filled + i] = values[this.#at + i]!;
      this.#check(page, length);
      filled += length;
    }
    return data;
  }

  async #current(): Promise<Page> {
    while (this.#page === undefined || this.#at === this.#page.entries) {
      const { value, done } = await this.#pages.next();
      if (done) throw this.#error("numbers", "the end of the column");
      if (value.definition !== undefined) {
        this.#taken += value.definition.findIndex((level) => level < this.#column.maxDefinition);
        throw this.#error("numbers in every row", "null or an empty list");
      }
      [this.#page, this.#at] = [value, 0];
    }
    return this.#page;
  }

  /** A row begins where the one before has `dimension` numbers, and nowhere else. */
  #check({ repetition }: Page, length: number): void {
    for (let i = 0; i < length; i++) {
      const beginsRow = this.#taken % this.#dimension === 0;
      if ((repetition![this.#at] === 0) !== beginsRow) {
        throw this.#error(`lists of ${this.#dimension} numbers, as in the first row`, "another length");
      }
      this.#at++;
      this.#taken++;
    }
  }

  #error(expected: string, got: string): VectorFileError {
    const row = Math.floor(Math.max(0, this.#taken - 1) / this.#dimension);
    return new VectorFileError(
      "bad-row",
      `${this.#name}: expected ${expected}, got ${got} at or after row ${row}`,
    );
  }
}

/** Takes values of a flat column, null where there is none. */
export class FlatCursor {
  readonly #pages: AsyncGenerator<Page, void, undefined>;
  readonly #column: Column;
  readonly #name: string;
  #values: unknown[] = [];
  #at = 0;

  constructor(
    source: ByteSource,
    groups: readonly RowGroup[],
    column: Column,
    signal: AbortSignal | undefined,
  ) {
    this.#pages = pages(source, groups, column, signal);
    this.#column = column;
    this.#name = `${source.name}: ${column.name}`;
  }

  async take(count: number): Promise<unknown[]> {
    const taken: unknown[] = [];
    while (taken.length < count) {
      if (this.#at === this.#values.length) {
        const { value, done } = await this.#pages.next();
        if (done) {
          throw new VectorFileError(
            "bad-row",
            `${this.#name}: expected a value for each row, the column ends before`,
          );
        }
        this.#values = plainValues(value, this.#column.maxDefinition);
        this.#at = 0;
        continue;
      }
      const some = this.#values.slice(this.#at, this.#at + count - taken.length);
      for (const value of some) taken.push(value);
      this.#at += some.length;
    }
    return taken;
  }
}

function plainValues({ values, definition, entries }: Page, maxDefinition: number): unknown[] {
  let next = 0;
  return Array.from({ length: entries }, (_, i) =>
    definition === undefined || definition[i] === maxDefinition ? plain(values[next++]) : null,
  );
}

/** Whole numbers as numbers where they are exact, else as decimals. */
function plain(value: unknown): unknown {
  if (typeof value !== "bigint") return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
