/** Damaged files: each is read or refused by name. What headers claim is not believed. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openVectorFile } from "../src/index.js";
import { readHybrid } from "../src/parquet/hybrid.js";
import { thriftLength } from "../src/parquet/thrift.js";
import { withAllocationLimit } from "../../weights/fuzz/allocations.mjs";
import { generator, mutate } from "../../weights/fuzz/mutations.mjs";
import { dataFile, failureOf } from "./files.js";

const NAMED = ["VectorFileError", "SafetensorsError", "ByteSourceError"];
const ROUNDS = 60;
/** Asked for at once. The sound files have some kilobytes. */
const MOST_BYTES = 64e6;

describe("damaged files", () => {
  for (const name of readdirSync(dataFile(""))) {
    test(name, async () => {
      const whole = new Uint8Array(readFileSync(dataFile(name)));
      const random = generator(whole.length);
      for (let round = 0; round < ROUNDS; round++) {
        const bytes = mutate(whole, random);
        const error = await withAllocationLimit(MOST_BYTES, () => failureOf(openVectorFile(bytes)));
        // One within an error of ours would be a defect as well.
        expect(String((error?.cause as Error | undefined)?.message)).not.toContain("expected no allocation");
        if (error !== undefined) expect(NAMED, `round ${round}: ${error.stack}`).toContain(error.name);
      }
    });
  }
});

describe("claims", () => {
  const npy = (header: string): Uint8Array => {
    const text = `${header}\n`;
    const bytes = Buffer.from(`\x93NUMPY\x01\x00\0\0${text}`, "latin1");
    bytes.writeUInt16LE(text.length, 8);
    return new Uint8Array(bytes);
  };
  for (const [what, header, code] of [
    [
      "more rows than bytes",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (900000000000, 512), }",
      "truncated",
    ],
    ["a wide row", "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 900000000), }", "too-large"],
    ["no width", "{'descr': '<f4', 'fortran_order': False, 'shape': (7, 0), }", "bad-header"],
    ["code", "{'descr': __import__('os'), 'fortran_order': False, 'shape': (1, 1), }", "bad-header"],
    ["a key twice", "{'descr': '<f4', 'descr': '<f4', 'shape': (1, 1), }", "bad-header"],
    ["a number below 0", "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 1), }", "bad-header"],
  ] as const) {
    test(`npy: ${what}`, async () => {
      await expect(openVectorFile(npy(header))).rejects.toMatchObject({ name: "VectorFileError", code });
    });
  }

  test("a list of two thousand million elements in a footer of a few bytes", () => {
    // Field 1, a list, of 2^31 − 1 lists.
    expect(thriftLength(Uint8Array.of(0x19, 0xf9, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00))).toBeUndefined();
  });

  test("structs within structs without end", () => {
    expect(() => thriftLength(new Uint8Array(10_000).fill(0x1c))).toThrow(RangeError);
  });

  test("a run of a thousand million levels fills what there is, and no more", () => {
    const into = new Uint8Array(5);
    readHybrid(Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0x07, 0x01), 1, into);
    expect([...into]).toEqual([1, 1, 1, 1, 1]);
    expect(() => readHybrid(Uint8Array.of(0x03), 1, into)).toThrow(/the bytes end before/);
  });

  test("a line without end", async () => {
    const bytes = new Uint8Array(2 ** 24 + 2 ** 20).fill(0x20);
    bytes[0] = 0x5b;
    await expect(openVectorFile(bytes)).rejects.toMatchObject({ name: "VectorFileError", code: "too-large" });
  });
});
