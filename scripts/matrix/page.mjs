/** The script of a page that runs one cell, which its address names, and posts what came of it. */
import { runCell } from "./run-cell.mjs";

const cell = new URLSearchParams(location.search);
const outcome = await runCell(cell.get("backend"), cell.get("precision")).catch((error) => ({
  passed: 0,
  failed: 1,
  failures: [String(error)],
}));
await fetch("/", { method: "POST", body: JSON.stringify(outcome) });
