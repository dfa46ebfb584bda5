/** The suite that every backend runs, on both of ONNX Runtime's packages. */
import { reference } from "@textower/backend-reference";
import { conformanceCases, GOLDEN_NAMES, goldenCases } from "@textower/conformance";
import { describe, test } from "vitest";
import { runtimes } from "./runtimes.js";

describe.each(runtimes)("$name", ({ name, make }) => {
  const subject = { backend: make(), reference: reference() };
  // On onnxruntime-web the larger towers take minutes; what they would add is size, which onnxruntime-node is tested for.
  const golden = name.endsWith("shared weights")
    ? GOLDEN_NAMES
    : (["micro", "tiny", "tiny-gelu", "vit-b-32"] as const);
  for (const { name, run } of [...conformanceCases(), ...goldenCases(golden)]) test(name, () => run(subject));

  describe("float16", () => {
    const half = { ...subject, precision: "float16" } as const;
    const cases = [...conformanceCases(), ...goldenCases(["micro", "tiny", "tiny-gelu", "vit-b-32"])];
    for (const { name, run } of cases) test(name, () => run(half));
  });
});
