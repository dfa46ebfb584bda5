/**
 * The suite that every backend runs, on each variant of the kernels that this engine has. The backend comes from dist/
 * here and in all tests with threads: workers are started from built files.
 */
import { reference } from "@textower/backend-reference";
import { conformanceCases, goldenCases } from "@textower/conformance";
import { describe, expect, test } from "vitest";
import type { InternalOptions } from "../src/wasm.js";
import { guarded } from "./guarded.js";

const SUBJECTS: readonly [InternalOptions, "float32" | "float16" | "int8"][] = [
  [{ variant: "simd", threads: 1 }, "float32"],
  [{ variant: "relaxed", threads: 1 }, "float32"],
  [{ variant: "auto", threads: 2 }, "float32"],
  [{ variant: "auto", threads: 1 }, "float16"],
  [{ variant: "simd", threads: 2 }, "int8"],
];

for (const [options, precision] of SUBJECTS) {
  const { backend, checkSentinels } = guarded(options);
  const support = await backend.isSupported();
  const name = `${options.variant}, ${options.threads} thread(s), ${precision}`;
  if (!support.supported) {
    test.skip(`${name} (skipped: ${support.reason})`);
    continue;
  }
  describe(name, () => {
    const subject = { backend, reference: reference(), precision, checkSentinels };
    const golden = goldenCases(["micro", "tiny", "tiny-gelu", "vit-b-32"]);
    for (const { name, run } of [...conformanceCases(), ...golden]) test(name, () => run(subject));
  });
}

test("plain SIMD is there, so that something above has run", async () => {
  expect(await guarded({ variant: "simd" }).backend.isSupported()).toEqual({ supported: true });
});
