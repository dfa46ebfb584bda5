/**
 * Filters: what metadata has to fulfil, as data, so that it can be evaluated here or become SQL.
 * Not here: nesting, alternatives of several keys, text search, functions: an engine could not be told.
 */
import type { Metadata } from "./engine.js";
import { SearchError } from "./errors.js";

/** A value that can be compared. */
export type Scalar = string | number | boolean | null;

/** What the value of one key has to be: this, one of these, or a number within bounds. */
export type Condition =
  | Scalar
  | { readonly in: readonly Scalar[] }
  | { readonly gt?: number; readonly gte?: number; readonly lt?: number; readonly lte?: number };

/** Key of the metadata → condition; all have to hold. An entry without the key does not fulfil any condition on it. */
export type Filter = Readonly<Record<string, Condition>>;

/** Comparisons with a number. */
export type Comparison = "gt" | "gte" | "lt" | "lte";

/** One condition, as engines get it. Values are equal if they are of one type and equal; only numbers are less or greater. */
export type Clause =
  | { readonly key: string; readonly operator: "in"; readonly values: readonly Scalar[] }
  | { readonly key: string; readonly operator: Comparison; readonly value: number };

const COMPARISONS: Readonly<Record<Comparison, (a: number, b: number) => boolean>> = {
  gt: (a, b) => a > b,
  gte: (a, b) => a >= b,
  lt: (a, b) => a < b,
  lte: (a, b) => a <= b,
};

/** Whether metadata fulfils all clauses: what every engine's filter means. */
export function matches(metadata: Metadata, filter: readonly Clause[]): boolean {
  return filter.every((clause) => {
    if (!Object.hasOwn(metadata, clause.key)) return false;
    const value = metadata[clause.key]!;
    if (clause.operator === "in") return clause.values.includes(value as Scalar);
    return typeof value === "number" && COMPARISONS[clause.operator](value, clause.value);
  });
}

/** @throws SearchError `bad-filter` */
export function parseFilter(filter: Filter): Clause[] {
  if (typeof filter !== "object" || filter === null || Array.isArray(filter)) {
    throw bad("expected an object of conditions", filter);
  }
  return Object.entries(filter).flatMap(([key, condition]) => parseCondition(key, condition));
}

function parseCondition(key: string, condition: Condition): Clause[] {
  if (!isText(key)) throw bad("expected keys of well-formed text without U+0000", key);
  if (isScalar(condition)) return [{ key, operator: "in", values: [condition] }];
  const operators = typeof condition === "object" && condition !== null ? Object.entries(condition) : [];
  if (operators.length === 0) throw bad(`expected a value or { in, gt, gte, lt, lte } for ${key}`, condition);
  return operators.map(([operator, operand]: [string, unknown]): Clause => {
    if (operator === "in") {
      if (!Array.isArray(operand) || !operand.every(isScalar)) {
        throw bad(`expected a list of text, finite numbers, booleans or null in ${key}`, operand);
      }
      return { key, operator, values: operand };
    }
    if (!Object.hasOwn(COMPARISONS, operator)) {
      throw bad(`expected in, gt, gte, lt or lte for ${key}`, operator);
    }
    if (typeof operand !== "number" || !Number.isFinite(operand)) {
      throw bad(`expected a finite number for ${operator} of ${key}`, operand);
    }
    return { key, operator: operator as Comparison, value: operand };
  });
}

function isScalar(value: unknown): value is Scalar {
  if (typeof value === "string") return isText(value);
  return (
    value === null || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))
  );
}

/** Text that every engine can keep: no half of a surrogate pair, which is not Unicode, and no U+0000, which Postgres refuses. */
export function isText(value: string): boolean {
  return !/\0|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(value);
}

function bad(expected: string, got: unknown): SearchError {
  return new SearchError("bad-filter", `filter: ${expected}, got ${describe(got)}`);
}

function describe(value: unknown): string {
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    return typeof value;
  }
}
