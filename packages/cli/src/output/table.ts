/** Columns of plain text. The last column may hold any text; the others are narrow characters. */

/** Lines of a table, two spaces between columns, numbers to the right and everything else to the left. */
export function table(rows: readonly (readonly (string | number)[])[], indent = ""): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, String(cell).length);
    });
  }
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        typeof cell === "number" ? String(cell).padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join("  ")
      .trimEnd(),
  );
  return lines.map((line) => `${indent}${line}\n`).join("");
}
