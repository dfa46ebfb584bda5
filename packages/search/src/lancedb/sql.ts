/** Filters as SQL of LanceDB. It has no parameters: texts become literals, and nothing else comes from outside. */
import { SearchError } from "../errors.js";
import type { Clause, Comparison } from "../filter.js";

const OPERATORS: Readonly<Record<Comparison, string>> = { gt: ">", gte: ">=", lt: "<", lte: "<=" };

/** A string literal: in standard SQL, as DataFusion reads it, only the quote itself means something. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A condition on the columns `labels` and `metadata`: see `schema.ts`. @throws SearchError `unsupported` */
export function filterSql(filter: readonly Clause[]): string {
  return filter
    .map((clause) => {
      const { key, operator } = clause;
      if (operator === "in") {
        if (clause.values.length === 0) return "false";
        const labels = clause.values.map((value) => literal(JSON.stringify([key, value])));
        return `array_has_any(labels, make_array(${labels.join(", ")}))`;
      }
      if (key === "") {
        throw new SearchError(
          "unsupported",
          "lancedbEngine: expected a key to compare numbers of, got an empty one",
        );
      }
      // What is no number is no number in quotes either, and becomes NULL.
      const path = literal(`$.${JSON.stringify(key)}`);
      return `TRY_CAST(json_extract(metadata, ${path}) AS DOUBLE) ${OPERATORS[operator]} CAST(${literal(String(clause.value))} AS DOUBLE)`;
    })
    .join(" AND ");
}
