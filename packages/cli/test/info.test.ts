import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { lines, textower } from "./command.js";

/** OpenAI's names, no config beside it: nothing says which activation. */
const MICRO = fileURLToPath(new URL("../../weights/test/golden/micro.openai.safetensors", import.meta.url));

interface InfoLine {
  readonly naming: string;
  readonly descriptor: Record<string, unknown>;
  readonly origins: Record<string, string>;
  readonly textBytes: number;
  readonly fileBytes: number;
  readonly storedBytes: Record<string, number>;
  readonly tensors: Record<string, number[]>;
}

async function inspect(...args: string[]): Promise<InfoLine> {
  const { code, text, stderr } = await textower(["info", "--format", "jsonl", ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return lines<InfoLine>(text)[0]!;
}

describe("the shapes model", () => {
  test("in words", async () => {
    for (const args of [[], ["shapes"]]) {
      const { code, text } = await textower(["info", ...args]);
      expect(code).toBe(0);
      expect(text).toMatch(/^format +safetensors, names as in huggingface$/m);
      expect(text).toMatch(/^width +128 +tensors$/m);
      expect(text).toMatch(/^activation +quick_gelu +config\.json$/m);
      expect(text).toMatch(/^stored as +.*F16/m);
    }
  });

  test("as JSON", async () => {
    const { naming, descriptor, textBytes, fileBytes, storedBytes, tensors } = await inspect("shapes");
    expect(naming).toBe("huggingface");
    expect(descriptor).toMatchObject({ width: 128, embedDim: 128, contextLength: 77, vocabSize: 49408 });
    expect(textBytes).toBeLessThan(fileBytes);
    expect(Object.values(storedBytes).reduce((sum, bytes) => sum + bytes, 0)).toBe(textBytes);
    expect(tensors["token_embedding.weight"]).toEqual([49408, 128]);
  });
});

describe("a file whose activation nothing names", () => {
  test("is described all the same, with what to do", async () => {
    const { code, text } = await textower(["info", MICRO]);
    expect(code).toBe(0);
    expect(text).toMatch(/^activation +unknown$/m);
    expect(text).toContain("Pass --activation");
    const { descriptor, origins } = await inspect(MICRO);
    expect(descriptor["activation"]).toBeNull();
    expect(origins["activation"]).toBeUndefined();
  });

  test("takes the word of an option", async () => {
    const { descriptor, origins } = await inspect(MICRO, "--activation", "gelu");
    expect([descriptor["activation"], origins["activation"]]).toEqual(["gelu", "option"]);
  });

  test("is not encoded with", async () => {
    const { code, text, stderr } = await textower(["encode", "--model", MICRO, "red"]);
    expect({ code, text }).toEqual({ code: 1, text: "" });
    expect(stderr).toMatch(/^textower: .*activation.*--activation "quick_gelu".*\n$/);
  });
});
