/** The suite that every backend runs, on the tfjs backends that Node has. */
import { reference } from "@textower/backend-reference";
import { conformanceCases, goldenCases } from "@textower/conformance";
import { beforeAll, describe, expect, test } from "vitest";
import { tfjs } from "../src/index.js";
import { activate, runtimes, tf } from "./runtimes.js";

describe.each(runtimes)("%s", (name) => {
  const subject = { backend: tfjs({ tf }), reference: reference() };

  beforeAll(() => activate(name));

  for (const { name, run } of [...conformanceCases(), ...goldenCases(["micro", "tiny", "tiny-gelu"])]) {
    test(name, async () => {
      const before = tf.memory().numTensors;
      await run(subject);
      expect(tf.memory().numTensors, "tensors left behind").toBe(before);
    });
  }
});
