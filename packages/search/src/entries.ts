/**
 * Checks of what users hand in: vectors become unit vectors in one piece, metadata plain JSON of its own.
 * Everything is looked at before an engine sees any of it.
 */
import type { Json, Metadata } from "./engine.js";
import { SearchError } from "./errors.js";
import { isText } from "./filter.js";

/** A vector as it comes: float32, or plain numbers. Its length does not matter. [dimension] */
export type Vector = ArrayLike<number>;

/** Deepest nesting of metadata. */
const MOST_DEPTH = 32;

/**
 * Vectors of length 1, a copy. `vector(i)` is asked once for each.
 * @returns [count, dimension]
 * @throws SearchError `width` or `bad-vector`
 */
export function unitVectors(
  who: string,
  count: number,
  dimension: number,
  vector: (index: number) => Vector,
  name: (index: number) => string,
): Float32Array {
  const units = new Float32Array(count * dimension); // [count, dimension]
  for (let row = 0; row < count; row++) {
    const values = vector(row);
    if (values?.length !== dimension) {
      throw new SearchError(
        "width",
        `${who}: expected vectors of width ${dimension}, got ${values?.length} for ${name(row)}`,
      );
    }
    let squares = 0;
    for (let i = 0; i < dimension; i++) squares += values[i]! * values[i]!;
    const length = Math.sqrt(squares);
    if (!(length > 0 && length < Infinity)) {
      throw new SearchError(
        "bad-vector",
        `${who}: expected a vector with a length, got ${length} for ${name(row)}`,
      );
    }
    for (let i = 0; i < dimension; i++) units[row * dimension + i] = values[i]! / length;
  }
  return units;
}

/** @throws SearchError `bad-entry` or `duplicate-id` */
export function checkIds(who: string, ids: readonly string[]): void {
  const seen = new Set<string>();
  for (const id of ids) {
    if (typeof id !== "string" || id === "" || !isText(id)) {
      throw new SearchError(
        "bad-entry",
        `${who}: expected ids of well-formed text without U+0000, got ${JSON.stringify(id) ?? typeof id}`,
      );
    }
    if (seen.has(id)) {
      throw new SearchError(
        "duplicate-id",
        `${who}: expected every id once, got ${JSON.stringify(id)} again`,
      );
    }
    seen.add(id);
  }
}

/**
 * A copy of metadata, checked. Values of undefined are left out, and whole numbers in BigInt become numbers.
 * @throws SearchError `bad-entry` for what JSON cannot say
 */
export function plainMetadata(who: string, metadata: unknown, id: string): Metadata {
  if (metadata === undefined) return {};
  const fail = (path: string, expected: string, got: string): never => {
    throw new SearchError(
      "bad-entry",
      `${who}: expected ${expected} in metadata${path} of ${id}, got ${got}`,
    );
  };
  const copy = (value: unknown, path: string, depth: number): Json => {
    if (depth > MOST_DEPTH) return fail(path, `at most ${MOST_DEPTH} levels`, "more");
    if (value === null || typeof value === "boolean") return value;
    if (typeof value === "string") {
      return isText(value) ? value : fail(path, "well-formed text without U+0000", JSON.stringify(value));
    }
    if (typeof value === "number") {
      return Number.isFinite(value) ? value : fail(path, "finite numbers", String(value));
    }
    if (typeof value === "bigint") {
      return Number.isSafeInteger(Number(value)) ? Number(value) : fail(path, "safe integers", `${value}n`);
    }
    if (Array.isArray(value)) return value.map((each, i) => copy(each, `${path}[${i}]`, depth + 1));
    if (typeof value === "object" && isPlain(value)) return copyObject(value, path, depth);
    return fail(path, "what JSON can say", Object.prototype.toString.call(value));
  };
  const copyObject = (object: object, path: string, depth: number): Metadata =>
    // fromEntries defines keys, so that one called "__proto__" is a key as any other.
    Object.fromEntries(
      Object.entries(object)
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => {
          if (!isText(key)) fail(path, "keys of well-formed text without U+0000", JSON.stringify(key));
          return [key, copy(value, `${path}.${key}`, depth + 1)];
        }),
    );
  if (typeof metadata !== "object" || metadata === null || !isPlain(metadata)) {
    return fail("", "an object", Object.prototype.toString.call(metadata));
  }
  return copyObject(metadata, "", 0);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  // An Object.prototype, of this realm or another, has none above it.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
