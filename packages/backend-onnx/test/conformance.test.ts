/** The suite that every backend runs, on both of ONNX Runtime's packages. */
import { reference } from "@textower/backend-reference";
import { conformanceCases, goldenCases } from "@textower/conformance";
import { describe, test } from "vitest";
import { runtimes } from "./runtimes.js";

describe.each(runtimes)("$name", ({ make }) => {
  const subject = { backend: make(), reference: reference() };
  // The larger golden towers take minutes here; what they would add is size, which the runtime below is tested for.
  const cases = [...conformanceCases(), ...goldenCases(["micro", "tiny", "tiny-gelu", "vit-b-32"])];
  for (const { name, run } of cases) test(name, () => run(subject), 120_000);
});
