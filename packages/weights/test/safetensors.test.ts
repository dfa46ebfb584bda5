/** Rules of the format, each broken once; and the writer. */
import { tensor } from "@textower/graph";
import { describe, expect, it } from "vitest";
import {
  bufferSource,
  openSafetensors,
  readTensor,
  safetensorsHeader,
  SafetensorsError,
  writeSafetensors,
} from "../src/index.js";
import type { SafetensorsErrorCode } from "../src/index.js";
import { countingSource, golden, rawFile, tensorsOf } from "./golden.js";

const open = (bytes: Uint8Array) => openSafetensors(bufferSource(bytes, "x.safetensors"));
/** Header of one float32 tensor `x`, one part of it exchanged. */
const one = ({ dtype = '"F32"', shape = "[2]", offsets = "[0,8]", more = "" } = {}): string =>
  `{"x":{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}${more}}}`;
const eight = new Uint8Array(8);

/** A file whose header length says something else than its header is long. */
function withLength(length: bigint, rest: string): Uint8Array<ArrayBuffer> {
  const file = rawFile(rest);
  new DataView(file.buffer).setBigUint64(0, length, true);
  return file;
}

const xy = (first: string, second: string): string =>
  `{"x":{"dtype":"U8","shape":[4],"data_offsets":${first}},"y":{"dtype":"U8","shape":[4],"data_offsets":${second}}}`;

const broken: [SafetensorsErrorCode, string, Uint8Array<ArrayBuffer>][] = [
  ["too-short", "nothing at all", new Uint8Array()],
  ["too-short", "seven bytes", new Uint8Array(7)],
  ["header-too-large", "a header of 100,000,001 bytes", withLength(100_000_001n, "{}")],
  ["header-too-large", "a header of 2^64 - 1 bytes", withLength(2n ** 64n - 1n, "{}")],
  ["header-too-large", "a header of 2^63 bytes", withLength(2n ** 63n, "{}")],
  ["header-beyond-file", "a header of 100,000,000 bytes in a small file", withLength(100_000_000n, "{}")],
  ["header-beyond-file", "a header one byte too long", withLength(3n, "{}")],
  ["header-start", "an empty header", withLength(0n, "")],
  ["header-start", "white space before the header", rawFile(` ${one()}`, eight)],
  ["header-start", "a byte order mark", rawFile(`\uFEFF${one()}`, eight)],
  ["header-start", "a list", rawFile("[]")],
  ["header-not-json", "a header cut short", withLength(1n, "{")],
  ["header-not-json", "text after the object", rawFile(`${one()}x`, eight)],
  ["header-not-json", "a second object", rawFile("{}{}")],
  ["header-not-json", "a comma before the end", rawFile(`${one().slice(0, -1)},}`, eight)],
  ["header-not-json", "names in single quotes", rawFile(one().replaceAll('"', "'"), eight)],
  ["header-not-json", "a name that does not end", rawFile('{"x')],
  ["header-not-json", "a name that ends in an escape", rawFile('{"x\\":1}')],
  ["header-not-json", "a control character in a name", rawFile('{"x\n":{}}')],
  ["header-not-json", "an unknown escape", rawFile('{"\\x":{}}')],
  ["header-not-json", "half a surrogate pair", rawFile('{"\\ud800":{}}')],
  ["header-not-json", "no colon", rawFile('{"x"{}}')],
  ["duplicate-key", "a tensor twice", rawFile(`{${one().slice(1, -1)},${one().slice(1, -1)}}`, eight)],
  ["duplicate-key", "a tensor twice, once escaped", rawFile(`${one().slice(0, -1)},"\\u0078":{}}`, eight)],
  ["duplicate-key", "dtype twice", rawFile(one({ more: ',"dtype":"F32"' }), eight)],
  ["duplicate-key", "__metadata__ twice", rawFile('{"__metadata__":{},"__metadata__":{}}')],
  ["duplicate-key", "a key of __metadata__ twice", rawFile('{"__metadata__":{"a":"","a":""}}')],
  ["bad-metadata", "__metadata__ as a string", rawFile('{"__metadata__":"pt"}')],
  ["bad-metadata", "a number in __metadata__", rawFile('{"__metadata__":{"a":1}}')],
  ["bad-metadata", "an object in __metadata__", rawFile('{"__metadata__":{"a":{}}}')],
  ["bad-entry", "a list for a tensor", rawFile('{"x":[]}')],
  ["bad-entry", "a tensor without members", rawFile('{"x":{}}')],
  ["bad-entry", "a tensor without dtype", rawFile('{"x":{"shape":[2],"data_offsets":[0,8]}}', eight)],
  ["bad-entry", "a tensor without shape", rawFile('{"x":{"dtype":"F32","data_offsets":[0,8]}}', eight)],
  ["bad-entry", "a tensor without offsets", rawFile('{"x":{"dtype":"F32","shape":[2]}}', eight)],
  ["bad-entry", "a tensor with something else", rawFile(one({ more: ',"strides":[1]' }), eight)],
  ["bad-entry", "a dtype that is a number", rawFile(one({ dtype: "32" }), eight)],
  ["bad-entry", "__proto__ as something else", rawFile('{"x":{"__proto__":{}}}')],
  ["unknown-dtype", "a dtype in lower case", rawFile(one({ dtype: '"f32"' }), eight)],
  ["unknown-dtype", "a dtype that objects inherit", rawFile(one({ dtype: '"constructor"' }), eight)],
  ["bad-shape", "a shape that is a number", rawFile(one({ shape: "2" }), eight)],
  ["bad-shape", "a negative dimension", rawFile(one({ shape: "[-2]" }), eight)],
  ["bad-shape", "a fraction", rawFile(one({ shape: "[2.0]" }), eight)],
  ["bad-shape", "an exponent", rawFile(one({ shape: "[2e0]" }), eight)],
  ["bad-shape", "a leading zero", rawFile(one({ shape: "[02]" }), eight)],
  ["bad-shape", "a string", rawFile(one({ shape: '["2"]' }), eight)],
  ["bad-shape", "2^53", rawFile(one({ shape: "[9007199254740992]" }), eight)],
  ["bad-shape", "a dimension of 40 digits", rawFile(one({ shape: `[${"9".repeat(40)}]` }), eight)],
  ["bad-shape", "nested lists", rawFile(one({ shape: "[".repeat(10_000) }), eight)],
  ["bad-shape", "a list that does not end", rawFile(one({ shape: "[2,3" }), eight)],
  ["bad-offsets", "one offset", rawFile(one({ offsets: "[0]" }), eight)],
  ["bad-offsets", "three offsets", rawFile(one({ offsets: "[0,4,8]" }), eight)],
  ["bad-offsets", "an end before the begin", rawFile(one({ offsets: "[8,0]" }), eight)],
  ["bad-offsets", "a negative offset", rawFile(one({ offsets: "[-8,0]" }), eight)],
  ["bad-offsets", "an offset beyond 2^53", rawFile(one({ offsets: "[0,9007199254740993]" }), eight)],
  ["overflow", "elements beyond 2^53", rawFile(one({ shape: "[94906267,94906267]" }), eight)],
  ["overflow", "bits beyond 2^53", rawFile(one({ shape: "[9007199254740991]" }), eight)],
  [
    "overflow",
    "elements beyond 2^53, times nothing",
    rawFile(one({ shape: "[94906267,94906267,0]" }), eight),
  ],
  [
    "partial-byte",
    "three elements of 4 bits",
    rawFile(one({ dtype: '"F4"', shape: "[3]", offsets: "[0,2]" }), eight),
  ],
  ["size-mismatch", "a shape larger than the data", rawFile(one({ shape: "[3]" }), eight)],
  ["size-mismatch", "a shape smaller than the data", rawFile(one({ shape: "[1]" }), eight)],
  ["size-mismatch", "a shape of 2^40 elements", rawFile(one({ shape: "[1099511627776]" }), eight)],
  ["size-mismatch", "a scalar of two elements", rawFile(one({ shape: "[]" }), eight)],
  ["overlap", "tensors on the same bytes", rawFile(xy("[0,4]", "[0,4]"), eight)],
  ["overlap", "tensors that share bytes", rawFile(xy("[0,4]", "[2,6]"), eight)],
  ["hole", "a first tensor that does not begin at 0", rawFile(one({ offsets: "[1,9]" }), new Uint8Array(9))],
  ["hole", "a gap between tensors", rawFile(xy("[0,4]", "[5,9]"), new Uint8Array(9))],
  ["truncated", "a last tensor that ends after the file", rawFile(one(), new Uint8Array(7))],
  ["truncated", "no data at all", rawFile(one())],
  ["trailing-bytes", "bytes after the last tensor", rawFile(one(), new Uint8Array(9))],
  ["trailing-bytes", "bytes without a tensor", rawFile("{}", new Uint8Array(1))],
];

describe("a broken file", () => {
  it.each(broken)("is refused as %s: %s", async (code, _, bytes) => {
    const source = countingSource(bytes);
    const promise = openSafetensors(source);
    await expect(promise).rejects.toBeInstanceOf(SafetensorsError);
    await expect(promise).rejects.toMatchObject({ code });
    await expect(promise).rejects.toThrow(/^safetensors: buffer: .*expected .*got /s);
    // Nothing larger than the file was ever asked for.
    expect(source.largest()).toBeLessThanOrEqual(bytes.length);
  });

  it("is refused for each byte that is not UTF-8", async () => {
    const file = rawFile(one(), eight);
    for (const byte of [0x80, 0xc0, 0xff]) {
      file[10] = byte;
      await expect(open(file)).rejects.toMatchObject({ code: "header-not-utf8" });
    }
  });

  it("has every code tested", () => {
    const codes = new Set(broken.map(([code]) => code));
    expect(codes.size).toBe(18); // and header-not-utf8, above
  });

  it("has short messages, whatever its names", async () => {
    const name = "n".repeat(1e6);
    const error: unknown = await open(rawFile(`{"${name}":{}}`)).catch((error: unknown) => error);
    expect((error as Error).message.length).toBeLessThan(400);
  });
});

describe("a sound file", () => {
  it("may have what is rare", async () => {
    const header =
      '{ "__metadata__" : {"__proto__":"p", "a":"\\u00e9\\"\\\\"},\n"__proto__":{"shape":[],"data_offsets":[0,4],"dtype":"F32"},' +
      '\t"constructor":{"dtype":"BF16","shape":[3,0],"data_offsets":[4,4]}, "é\\"\\\\":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[4,7]} }  ';
    const file = await open(rawFile(header, new Uint8Array([0, 0, 128, 63, 1, 2, 3])));
    expect([...file.entries.keys()]).toEqual(["__proto__", "constructor", 'é"\\']);
    expect([...file.metadata]).toEqual([
      ["__proto__", "p"],
      ["a", 'é"\\'],
    ]);
    expect(await readTensor(file, "__proto__")).toEqual(tensor("float32", [], Float32Array.of(1)));
    expect(await readTensor(file, "constructor")).toEqual(tensor("bfloat16", [3, 0], new Uint16Array()));
    await expect(readTensor(file, 'é"\\')).rejects.toMatchObject({ code: "unsupported-dtype" });
  });

  it("may have no tensors", async () => {
    expect((await open(rawFile("{}"))).entries.size).toBe(0);
  });

  it("gives rows, and refuses rows it does not have", async () => {
    const file = await open(
      writeSafetensors({ x: tensor("float32", [3, 2], Float32Array.of(0, 1, 2, 3, 4, 5)) }),
    );
    expect(await readTensor(file, "x", { begin: 1, end: 3 })).toEqual(
      tensor("float32", [2, 2], Float32Array.of(2, 3, 4, 5)),
    );
    for (const [begin, end] of [
      [-1, 1],
      [0, 4],
      [2, 1],
      [0.5, 1],
      [0, NaN],
    ] as const) {
      await expect(readTensor(file, "x", { begin, end })).rejects.toMatchObject({ code: "bad-rows" });
    }
    await expect(file.readInto("x", new Uint8Array(23))).rejects.toMatchObject({ code: "bad-length" });
    await expect(file.readInto("y", new Uint8Array(24))).rejects.toMatchObject({ code: "no-such-tensor" });
    await file.close();
    await file.close();
    await expect(readTensor(file, "x")).rejects.toMatchObject({ name: "ByteSourceError", code: "closed" });
  });
});

describe("the writer", () => {
  it.each(["micro.openai", "micro.hf", "micro.hf.bf16"] as const)(
    "writes %s as the reference did",
    (name) => {
      const bytes = golden(name);
      expect(Buffer.from(writeSafetensors(tensorsOf(bytes), { format: "pt" })).equals(bytes)).toBe(true);
    },
  );

  it("writes every dtype of a graph", async () => {
    const tensors = {
      a: tensor("float32", [1, 2], Float32Array.of(1.5, -0)),
      b: tensor("float16", [1], Uint16Array.of(0x3c00)),
      c: tensor("bfloat16", [1], Uint16Array.of(0x3f80)),
      d: tensor("int8", [3], Int8Array.of(-128, 0, 127)),
      e: tensor("int32", [], Int32Array.of(-1)),
    };
    const file = await open(writeSafetensors(tensors));
    for (const [name, expected] of Object.entries(tensors))
      expect(await readTensor(file, name)).toEqual(expected);
    expect([...file.metadata]).toEqual([]);
  });

  it("makes headers for files that are written piece by piece", async () => {
    const header = safetensorsHeader([
      { name: "b", dtype: "F16", shape: [3] },
      { name: "a", dtype: "F32", shape: [2, 2] },
    ]);
    expect(header.order.map(({ name, byteLength }) => [name, byteLength])).toEqual([
      ["a", 16],
      ["b", 6],
    ]);
    expect(header.fileBytes).toBe(header.bytes.length + 22);
    const file = new Uint8Array(header.fileBytes);
    file.set(header.bytes);
    file.set([1, 0, 2, 0, 3, 0], header.bytes.length + 16);
    expect((await readTensor(await open(file), "b")).data).toEqual(Uint16Array.of(1, 2, 3));
  });

  it("refuses what it cannot write", () => {
    const x = { name: "x", dtype: "F4", shape: [2] } as const;
    expect(() => safetensorsHeader([x, x])).toThrow(TypeError);
    expect(() => safetensorsHeader([{ ...x, name: "__metadata__" }])).toThrow(TypeError);
    expect(() => safetensorsHeader([{ ...x, shape: [3] }])).toThrow(RangeError);
    expect(() => writeSafetensors({ x: { dtype: "F32", shape: [2], data: new Float32Array(1) } })).toThrow(
      RangeError,
    );
    const scales = { ...tensor("int8", [1, 1], new Int8Array(1)), scales: new Float32Array(1) };
    expect(() => writeSafetensors({ scales })).toThrow(TypeError);
  });
});
