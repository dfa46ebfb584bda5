/**
 * A process that runs the suite on every configuration; for Deno and Bun, and it goes in Node from 22. Prints one line
 * of JSON per configuration: `{ name, info, ran, failures }`, or `{ name, error }`. Then it has to end by itself,
 * though an executable with threads is left.
 */
import { CONFIGURATIONS, leaveBehind, runCases } from "./cases.mjs";

for (const name of Object.keys(CONFIGURATIONS)) {
  const outcome = await runCases(name).catch((error) => ({ error: String(error) }));
  console.log(JSON.stringify({ name, ...outcome }));
}
await leaveBehind();
