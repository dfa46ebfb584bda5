/**
 * The parts of SQL that come from outside: names are quoted, values are parameters, and nothing else is put together.
 * Every parameter is text, and cast in the statement: clients do not agree on how they write other types.
 */
import type { Clause, Comparison } from "../filter.js";
import { isText } from "../filter.js";

/** Bytes of a name; Postgres cuts longer ones, and so would take two for one (NAMEDATALEN, 64 with its end). */
const MOST_NAME_BYTES = 63;

const OPERATORS: Readonly<Record<Comparison, string>> = { gt: ">", gte: ">=", lt: "<", lte: "<=" };

/**
 * A quoted identifier (PostgreSQL manual, 4.1.1).
 * @throws TypeError for a name that Postgres could not keep
 */
export function identifier(name: string): string {
  if (typeof name !== "string" || name === "" || !isText(name)) {
    throw new TypeError(`pgvectorEngine: expected names of well-formed text, got ${JSON.stringify(name)}`);
  }
  const bytes = new TextEncoder().encode(name).length;
  if (bytes > MOST_NAME_BYTES) {
    throw new TypeError(
      `pgvectorEngine: expected names of at most ${MOST_NAME_BYTES} bytes, got ${bytes}: ${name}`,
    );
  }
  return `"${name.replaceAll('"', '""')}"`;
}

/** Values of a statement. */
export class Parameters {
  readonly values: string[] = [];

  /** @returns how the statement names it */
  add(value: string): string {
    return `$${this.values.push(value)}::text`;
  }
}

/** A condition on the column `metadata`. */
export function filterSql(filter: readonly Clause[], parameters: Parameters): string {
  const conditions = filter.map((clause) => {
    const key = parameters.add(clause.key);
    if (clause.operator === "in") {
      const values = parameters.add(JSON.stringify(clause.values));
      return `metadata -> ${key} IN (SELECT jsonb_array_elements(${values}::jsonb))`;
    }
    const value = parameters.add(JSON.stringify(clause.value));
    // CASE, as AND promises no order, and text is no numeric.
    return (
      `CASE jsonb_typeof(metadata -> ${key}) WHEN 'number' ` +
      `THEN (metadata ->> ${key})::numeric ${OPERATORS[clause.operator]} ${value}::numeric ELSE false END`
    );
  });
  return conditions.length === 0 ? "true" : conditions.join(" AND ");
}
