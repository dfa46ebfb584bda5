/** The matrix as Markdown: a line for each backend and precision, a column for each runtime. */

/**
 * @param {readonly { backend: string, runtime: string, precision: string, passed: number, failed: number,
 *   skipped?: number, reason?: string }[]} cells
 */
export function matrixTable(cells) {
  const runtimes = [...new Set(cells.map(({ runtime }) => runtime))];
  const lines = [...new Set(cells.map(({ backend, precision }) => `${backend}\n${precision}`))];
  const reasons = [];
  const shown = (cell) => {
    if (cell === undefined) return "";
    if (cell.failed > 0) return `**${cell.failed} failed**`;
    if (cell.passed > 0) return `${cell.passed} passed`;
    const reason = cell.reason ?? "nothing ran";
    if (!reasons.includes(reason)) reasons.push(reason);
    return `skipped ${reasons.indexOf(reason) + 1})`;
  };
  const rows = lines.map((line) => {
    const [backend, precision] = line.split("\n");
    const found = (runtime) =>
      cells.find(
        (cell) => cell.backend === backend && cell.precision === precision && cell.runtime === runtime,
      );
    return `| ${backend} | ${precision} | ${runtimes.map((runtime) => shown(found(runtime))).join(" | ")} |`;
  });
  return [
    `| backend | precision | ${runtimes.join(" | ")} |`,
    `| --- | --- | ${runtimes.map(() => "---").join(" | ")} |`,
    ...rows,
    "",
    ...reasons.map((reason, i) => `${i + 1}) ${reason}`),
    "",
  ].join("\n");
}
