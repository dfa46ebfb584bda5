/** What the tests of all runtimes share: what becomes of absent ones, and what an outcome has to be. */
import { existsSync } from "node:fs";
import { expect } from "vitest";
import { allCases, CONFIGURATIONS } from "./cases.mjs";

/** What an outcome's notes say where there are no threads. */
const NOT_ISOLATED = /^one thread: the page is not cross-origin isolated/;

/**
 * For `describe.skipIf(skip)(title, …)`: where a runtime is absent its suite is skipped, with the reason in the title.
 * In CI nothing may be absent: the suite goes ahead, and fails.
 * @param {string | undefined} path - of the runtime's binary, if there is one
 * @param {string} remedy - how to get it
 */
export function suiteOf(name, path, remedy) {
  if (path !== undefined && existsSync(path)) return { skip: false, title: name };
  return { skip: !process.env.CI, title: `${name} (${path ?? "its binary"} is absent: ${remedy})` };
}

/**
 * Throws unless every case ran and passed on what was asked for.
 * @param {object} outcome - of `runCases`
 * @param {boolean} threads - whether this runtime has threads
 */
export function expectConformance(name, outcome, threads = true) {
  expect(outcome, "the runtime ended before it came to this configuration").toBeDefined();
  expect(outcome.error).toBeUndefined();
  expect(outcome.failures).toEqual([]);
  expect(outcome.ran).toEqual(allCases().map((each) => each.name));
  const asked = CONFIGURATIONS[name];
  const { device, precision, threads: running, notes } = outcome.info;
  expect(device).toMatch(asked.variant === "simd" ? /^wasm simd/ : /^wasm relaxed simd/);
  expect(precision).toBe(asked.precision);
  expect(running).toBe(threads ? asked.threads : 1);
  const expected = threads || asked.threads === 1 ? [] : [expect.stringMatching(NOT_ISOLATED)];
  expect(notes.filter((note) => note.startsWith("one thread"))).toEqual(expected);
}
