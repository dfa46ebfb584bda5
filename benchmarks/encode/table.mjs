/** Results as a table in Markdown. */
import { ours } from "./contestants/index.mjs";

const HEADS = [
  ...["contestant", "threads", "setting", "rows a prompt", "prompts/s", "least to most", "cores busy"],
  ...ours.map((name) => `${name} is faster by`),
];

/** The first columns: who, threads, setting. */
export function describe({ name, threads, order, batch, rows, limit }) {
  const setting = [`${order === "sorted" ? "sorted by length" : "given order"}, batch ${batch}`];
  if (rows !== "longest") setting.push(`${rows} rows each`);
  if (limit !== undefined) setting.push(`the first ${limit}`);
  return [name, threads, order === undefined ? "packed" : setting.join(", ")].join(" | ");
}

/** @param results - those of `compare` */
export function table(results) {
  const lines = results.map(({ label, rowsPerPrompt, promptsPerSecond, coresBusy, ratios }) => {
    const { median, min, max } = promptsPerSecond;
    return [
      label,
      rowsPerPrompt.toFixed(1),
      median.toFixed(1),
      `${min.toFixed(1)} to ${max.toFixed(1)}`,
      coresBusy.toFixed(1),
      ...ours.map((name) => ratios[name]?.toFixed(2) ?? "–"),
    ].join(" | ");
  });
  return [HEADS.join(" | "), HEADS.map(() => "---").join(" | "), ...lines]
    .map((line) => `| ${line} |`)
    .join("\n");
}
