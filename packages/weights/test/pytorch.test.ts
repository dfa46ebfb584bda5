/**
 * PyTorch's files: every tensor of the golden ones, exactly; then files that are wrong, or that mean harm. Archives and
 * pickles of the second half are put together here, byte by byte.
 */
import { readFileSync } from "node:fs";
import { float16ToNumber, numberToFloat16 } from "@textower/graph";
import { describe, expect, it } from "vitest";
import { bufferSource, openCheckpoint, openTensorFile, PytorchError, readTensor } from "../src/index.js";
import type { TensorFile } from "../src/index.js";
import { expectedTensors, expectSame } from "./golden.js";

const golden = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`golden/${name}`, import.meta.url)));
const open = (bytes: Uint8Array): Promise<TensorFile> => openTensorFile(bufferSource(bytes));

describe.each([
  ["micro.pt", "pytorch", () => false],
  ["micro.legacy.pt", "pytorch-legacy", () => false],
  ["micro.jit.pt", "torchscript", (name: string) => !/ln_|positional|token/.test(name)],
] as const)("%s", (file, format, isFloat16) => {
  it("gives every tensor, exactly, and rows of it", async () => {
    const checkpoint = await openCheckpoint(golden(file), { activation: "quick_gelu" });
    expect(checkpoint).toMatchObject({ format, naming: "openai" });
    for (const [name, expected] of expectedTensors("micro")) {
      const values = isFloat16(name)
        ? expected.values.map((value) => float16ToNumber(numberToFloat16(value)))
        : expected.values;
      const tensor = await checkpoint.read(name);
      expect([name, tensor.dtype]).toEqual([name, isFloat16(name) ? "float16" : "float32"]);
      expectSame(name, tensor, { ...expected, values });
    }
    await checkpoint.close();
  });
});

it("reads the pickle and the tensors that are asked for, and nothing else", async () => {
  const bytes = golden("micro.jit.pt");
  const source = bufferSource(bytes);
  let read = 0;
  const counted = {
    ...source,
    read: (offset: number, into: Uint8Array) => ((read += into.length), source.read(offset, into)),
  };
  const file = await openTensorFile(counted);
  const opening = read;
  expect(opening).toBeLessThan(bytes.length / 4); // the search for the directory's end takes 64 kB
  const { data } = await readTensor(file, "ln_final.weight");
  expect(read - opening).toBe(30 + data.byteLength);
});

/** Opcodes, as far as the tests write them. */
const proto = [0x80, 2];
const stop = [0x2e];
const text = (value: string): number[] => {
  const bytes = new TextEncoder().encode(value);
  return [0x58, bytes.length & 255, bytes.length >> 8, 0, 0, ...bytes];
};
const int = (value: number): number[] => [0x4a, ...new Uint8Array(Int32Array.of(value).buffer)];
const tuple = (...items: number[][]): number[] => [0x28, ...items.flat(), 0x74];
const global = (module: string, name: string): number[] => [
  0x63,
  ...new TextEncoder().encode(`${module}\n${name}\n`),
];
const call = (module: string, name: string, ...args: number[][]): number[] => [
  ...global(module, name),
  ...tuple(...args),
  0x52,
];
const dict = (...items: [number[], number[]][]): number[] => [0x7d, 0x28, ...items.flat(2), 0x75];
const pickle = (...value: number[][]): number[] => [...proto, ...value.flat(), ...stop];

const storage = (elements: number, key = "0", type = "FloatStorage"): number[] => [
  ...tuple(text("storage"), global("torch", type), text(key), text("cpu"), int(elements)),
  0x51,
];
const tensor = (shape: number[], strides: number[], offset = 0, of = storage(6)): number[] =>
  call(
    "torch._utils",
    "_rebuild_tensor_v2",
    of,
    int(offset),
    tuple(...shape.map(int)),
    tuple(...strides.map(int)),
    [0x89],
    call("collections", "OrderedDict"),
  );

interface ZipRecord {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly method?: number;
}

/** An archive of stored records. `damage` may change it before its directory is written. */
function zip(records: readonly ZipRecord[], { count = records.length, shift = 0 } = {}): Uint8Array {
  const parts: number[] = [];
  const directory: number[] = [];
  const word = (value: number, bytes: number): number[] =>
    Array.from({ length: bytes }, (_, i) => (value / 2 ** (8 * i)) & 255);
  records.forEach(({ name, bytes, method = 0 }, i) => {
    const encoded = [...new TextEncoder().encode(name)];
    const common = [
      ...word(0, 2),
      ...word(method, 2),
      ...word(0, 8),
      ...word(bytes.length, 4),
      ...word(bytes.length, 4),
    ];
    const header = i === 0 ? parts.length : parts.length - shift;
    parts.push(
      ...word(0x04034b50, 4),
      ...word(20, 2),
      ...common,
      ...word(encoded.length, 2),
      ...word(0, 2),
      ...encoded,
      ...bytes,
    );
    directory.push(
      ...word(0x02014b50, 4),
      ...word(20, 2),
      ...word(20, 2),
      ...common,
      ...word(encoded.length, 2),
      ...word(0, 12),
      ...word(header, 4),
      ...encoded,
    );
  });
  return Uint8Array.from([
    ...parts,
    ...directory,
    ...word(0x06054b50, 4),
    ...word(0, 4),
    ...word(count, 2),
    ...word(count, 2),
    ...word(directory.length, 4),
    ...word(parts.length, 4),
    ...word(0, 2),
  ]);
}

const SIX = new Uint8Array(Float32Array.of(0, 1, 2, 3, 4, 5).buffer);

function archive(
  value: number[],
  records: readonly ZipRecord[] = [{ name: "a/data/0", bytes: SIX }],
): Uint8Array {
  return zip([{ name: "a/data.pkl", bytes: Uint8Array.from(value) }, ...records]);
}

describe("tensors", () => {
  it.each([
    ["whole", tensor([2, 3], [3, 1]), [0, 1, 2, 3, 4, 5]],
    ["transposed", tensor([3, 2], [1, 3]), [0, 3, 1, 4, 2, 5]],
    ["from an offset", tensor([2], [2], 1), [1, 3]],
    ["a scalar", tensor([], [], 5), [5]],
    ["empty", tensor([0, 3], [3, 1]), []],
    ["a parameter", call("torch._utils", "_rebuild_parameter", tensor([2], [1], 4), [0x88], [0x4e]), [4, 5]],
    [
      "of an untyped storage",
      call(
        "torch._utils",
        "_rebuild_tensor_v3",
        [
          ...tuple(
            text("storage"),
            global("torch.storage", "UntypedStorage"),
            text("0"),
            text("cpu"),
            int(24),
          ),
          0x51,
        ],
        int(2),
        tuple(int(2)),
        tuple(int(1)),
        [0x89],
        call("collections", "OrderedDict"),
        global("torch", "float32"),
      ),
      [2, 3],
    ],
  ])("%s", async (_, value, expected) => {
    const file = await open(archive(pickle(dict([text("x"), value]))));
    expect([...(await readTensor(file, "x")).data]).toEqual(expected);
  });

  it("rows of a transposed one", async () => {
    const file = await open(archive(pickle(dict([text("x"), tensor([3, 2], [1, 3])]))));
    expect([...(await readTensor(file, "x", { begin: 1, end: 3 })).data]).toEqual([1, 4, 2, 5]);
  });

  it("within a training checkpoint; what is no tensor is left out", async () => {
    const state = dict([text("module.x"), tensor([6], [1])], [text("steps"), int(7)]);
    const value = dict([text("epoch"), int(3)], [text("state_dict"), state], [text("optimizer"), dict()]);
    const file = await open(archive(pickle(value)));
    expect([...file.entries]).toEqual([["module.x", { dtype: "F32", shape: [6], bytes: 24 }]]);
  });

  it("under names that mean something to objects", async () => {
    const names = ["__proto__", "constructor", "toString"];
    const file = await open(
      archive(pickle(dict(...names.map((name): [number[], number[]] => [text(name), tensor([2], [1])])))),
    );
    expect([...file.entries.keys()]).toEqual(names);
    expect(({} as Record<string, unknown>)["dtype"]).toBeUndefined();
  });
});

describe("refused", () => {
  const x = (value: number[]): number[] => pickle(dict([text("x"), value]));
  it.each<[string, string, Uint8Array]>([
    ["a call of the system", "refused-global", archive(pickle(call("os", "system", text("true"))))],
    ["a name that is never called", "refused-global", archive(pickle(global("builtins", "eval")))],
    ["a lookup on a prototype", "refused-global", archive(pickle(global("__proto__", "constructor")))],
    ["a call of a dtype", "refused-global", archive(pickle(call("torch", "float32")))],
    ["a scripted class that is called", "refused-global", archive(pickle(call("__torch__", "x.Y")))],
    ["protocol 4", "bad-pickle", archive([0x80, 4, 0x4e, 0x2e])],
    ["an opcode of protocol 4", "bad-pickle", archive([...proto, 0x8c, 1, 65, 0x2e])],
    ["a pickle without an end", "bad-pickle", archive(proto)],
    ["an empty stack", "bad-pickle", archive([...proto, 0x2e])],
    ["a mark that is none", "bad-pickle", archive([...proto, 0x74, 0x2e])],
    ["a memory of nothing", "bad-pickle", archive([...proto, 0x68, 9, 0x2e])],
    ["items into a number", "bad-pickle", archive([...proto, ...int(1), ...int(2), ...int(3), 0x73, 0x2e])],
    ["text beyond the end", "bad-pickle", archive([...proto, 0x58, 255, 255, 255, 127, 65, 0x2e])],
    [
      "a number of 200 bytes",
      "bad-pickle",
      archive([...proto, 0x8a, 200, ...Array.from({ length: 200 }, () => 255), 0x2e]),
    ],
    ["nothing but a number", "no-tensors", archive(pickle(int(1)))],
    ["a list that holds itself", "no-tensors", archive([...proto, 0x5d, 0x71, 0, 0x68, 0, 0x61, 0x2e])],
    [
      "tuples, a hundred thousand deep",
      "no-tensors",
      archive([...proto, 0x4e, ...Array.from({ length: 1e5 }, () => 0x85), 0x2e]),
    ],
    ["a view beyond its storage", "bad-tensor", archive(x(tensor([7], [1])))],
    ["a view that begins beyond it", "bad-tensor", archive(x(tensor([1], [1], 6)))],
    ["a view that repeats elements", "bad-tensor", archive(x(tensor([1000000, 6], [0, 1])))],
    ["a negative size", "bad-tensor", archive(x(tensor([-1], [1])))],
    ["more axes than strides", "bad-tensor", archive(x(tensor([2, 3], [1])))],
    ["a tensor of no storage", "bad-tensor", archive(x(tensor([1], [1], 0, int(5))))],
    [
      "a storage of an unknown type",
      "refused-global",
      archive(x(tensor([1], [1], 0, storage(6, "0", "QUInt8Storage")))),
    ],
    [
      "another byte order",
      "big-endian",
      archive(x(tensor([6], [1])), [{ name: "a/byteorder", bytes: new TextEncoder().encode("big") }]),
    ],
    ["a compressed pickle", "compressed-record", zip([{ name: "a/data.pkl", bytes: SIX, method: 8 }])],
    ["an archive of something else", "missing-record", zip([{ name: "word/document.xml", bytes: SIX }])],
    ["an archive that is cut short", "bad-zip", archive(x(tensor([6], [1]))).slice(0, -30)],
    ["an absurd number of records", "bad-zip", zip([{ name: "a/data.pkl", bytes: SIX }], { count: 60000 })],
    [
      "records that overlap",
      "bad-zip",
      zip(
        [
          { name: "a/data.pkl", bytes: SIX },
          { name: "a/data/0", bytes: SIX },
        ],
        { shift: 10 },
      ),
    ],
    [
      "a record twice",
      "bad-zip",
      zip([
        { name: "a/data.pkl", bytes: SIX },
        { name: "a/data.pkl", bytes: SIX },
      ]),
    ],
  ])("%s", async (_, code, bytes) => {
    const source = { ...bufferSource(bytes), name: "hostile.pt" };
    const error = await openTensorFile(source).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PytorchError);
    expect(error).toMatchObject({
      code,
      message: expect.stringMatching(/^pytorch: hostile\.pt: .*expected/s),
    });
  });

  it.each<[string, string, ZipRecord[]]>([
    ["a storage without a record", "missing-record", []],
    ["a record shorter than its storage", "bad-storage", [{ name: "a/data/0", bytes: SIX.slice(4) }]],
    ["a compressed storage", "compressed-record", [{ name: "a/data/0", bytes: SIX, method: 8 }]],
  ])("on reading, %s", async (_, code, records) => {
    const file = await open(archive(pickle(dict([text("x"), tensor([6], [1])])), records));
    await expect(readTensor(file, "x")).rejects.toMatchObject({ name: "PytorchError", code });
  });

  it("an old file whose storages do not fill it, or whose counts are others", async () => {
    const bytes = golden("micro.legacy.pt");
    await expect(open(bytes.slice(0, -4))).rejects.toMatchObject({ code: "bad-storage" });
    // The count before the storage of the positions is one more than it should be.
    const view = new DataView(bytes.buffer);
    let at = 0;
    while (view.getBigInt64(at, true) !== 77n * 64n) at++;
    view.setBigInt64(at, 77n * 64n + 1n, true);
    const reading = readTensor(await open(bytes), "positional_embedding");
    await expect(reading).rejects.toMatchObject({ code: "bad-storage" });
  });
});
