/** Fetching ahead from a remote source: the right bytes, once, in few requests, within bounds. */
import { describe, expect, it } from "vitest";
import { ByteSourceError, bufferSource, openCheckpoint, writeSafetensors } from "../src/index.js";
import type { ByteSource, Checkpoint, StoredTensor } from "../src/index.js";
import { readAheadSource } from "../src/sources/read-ahead.js";
import { expectedTensors, expectMicro, golden, goldenPath } from "./golden.js";
import { readFileSync } from "node:fs";

const MIB = 2 ** 20;

interface Remote extends ByteSource {
  readonly reads: [begin: number, end: number][];
  /** Most reads, and most bytes of them, that were under way at once. */
  readonly most: { reads: number; bytes: number };
  fail?: (begin: number) => boolean;
}

/** Bytes that take their time, read by read. */
function remote(bytes: Uint8Array<ArrayBuffer>): Remote {
  const inner = bufferSource(bytes);
  const now = { reads: 0, bytes: 0 };
  const source: Remote = {
    ...inner,
    isRemote: true,
    reads: [],
    most: { reads: 0, bytes: 0 },
    async read(offset, into, signal) {
      source.reads.push([offset, offset + into.length]);
      now.reads++;
      now.bytes += into.length;
      source.most.reads = Math.max(source.most.reads, now.reads);
      source.most.bytes = Math.max(source.most.bytes, now.bytes);
      await new Promise((resolve) => setImmediate(resolve));
      now.reads--;
      now.bytes -= into.length;
      if (source.fail?.(offset)) throw new ByteSourceError("read-failed", "the cable is out");
      await inner.read(offset, into, signal);
    },
  };
  return source;
}

const bytesRead = ({ reads }: Remote): number => reads.reduce((sum, [begin, end]) => sum + end - begin, 0);

/** Every tensor but the token table, in the order of a graph. */
async function readTower(checkpoint: Checkpoint): Promise<void> {
  const block = (name: string): number =>
    Number(/resblocks\.(\d+)/.exec(name)?.[1] ?? (/^ln|^text/.test(name) ? 99 : -1));
  const names = [...checkpoint.tensors.keys()].filter((name) => name !== "token_embedding.weight");
  for (const name of names.sort((a, b) => block(a) - block(b))) await checkpoint.read(name);
}

describe("of a checkpoint", () => {
  const elements = (name: string): number =>
    name === "token_embedding.weight" ? 0 : expectedTensors("micro").get(name)!.values.length;
  const needed = [...expectedTensors("micro").keys()].reduce((sum, name) => sum + 4 * elements(name), 0);

  it.each(["micro.openai.safetensors", "micro.hf.safetensors", "micro.pt", "micro.legacy.pt"])(
    "%s gives the same tensors, in fewer requests and hardly more bytes",
    async (file) => {
      const bytes = new Uint8Array(readFileSync(goldenPath(file)));
      const source = remote(bytes);
      const checkpoint = await openCheckpoint(source, { activation: "quick_gelu", readAhead: true });
      await expectMicro(checkpoint);
      source.reads.length = 0;
      const again = await openCheckpoint(source, { activation: "quick_gelu", readAhead: true });
      source.reads.length = 0;
      await readTower(again);
      expect(source.reads.length).toBeLessThan(16);
      // Gaps are at most 16 KiB each; micro's tensors are about as small.
      expect(bytesRead(source)).toBeLessThan(needed * 1.25);
    },
  );

  it("is not done unasked", async () => {
    const source = remote(golden("micro.openai"));
    const checkpoint = await openCheckpoint(source, { activation: "quick_gelu" });
    source.reads.length = 0;
    await checkpoint.read("ln_final.bias");
    expect(bytesRead(source)).toBe(256);
  });

  it("keeps to 1 % where tensors are of real size", async () => {
    const width = 256;
    const floats = (...shape: number[]): StoredTensor => ({
      dtype: "F16",
      shape,
      data: new Uint16Array(shape.reduce((a, b) => a * b, 1)),
    });
    const tensors = new Map<string, StoredTensor>([
      ["token_embedding.weight", floats(4096, width)],
      ["positional_embedding", floats(77, width)],
      ["ln_final.weight", floats(width)],
      ["ln_final.bias", floats(width)],
      ["text_projection", floats(width, width)],
      ["visual.proj", floats(1024, 1024)],
    ]);
    for (let layer = 0; layer < 6; layer++) {
      const block = `transformer.resblocks.${layer}`;
      for (const norm of ["ln_1", "ln_2"]) {
        tensors.set(`${block}.${norm}.weight`, floats(width)).set(`${block}.${norm}.bias`, floats(width));
      }
      tensors.set(`${block}.attn.in_proj_weight`, floats(3 * width, width));
      tensors.set(`${block}.attn.in_proj_bias`, floats(3 * width));
      for (const [name, rows, columns] of [
        ["attn.out_proj", width, width],
        ["mlp.c_fc", 4 * width, width],
        ["mlp.c_proj", width, 4 * width],
      ] as const) {
        tensors
          .set(`${block}.${name}.weight`, floats(rows, columns))
          .set(`${block}.${name}.bias`, floats(rows));
      }
    }
    const source = remote(new Uint8Array(writeSafetensors(tensors)));
    const checkpoint = await openCheckpoint(source, { activation: "gelu", readAhead: true });
    await readTower(checkpoint);
    const wanted = checkpoint.textBytes - 4096 * width * 2;
    expect(bytesRead(source)).toBeLessThan(wanted * 1.01);
    expect(source.most.reads).toBeGreaterThan(1);
  });
});

describe("of a source", () => {
  const size = 64 * MIB;
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i += 4096) bytes[i] = i >> 12;
  const ranges = Array.from({ length: 64 }, (_, i) => ({ begin: i * MIB, end: (i + 1) * MIB }));

  it("holds at most 24 MiB, in at most 4 requests at once, and reads everything once", async () => {
    const source = remote(bytes);
    const ahead = readAheadSource(source);
    ahead.announce(ranges);
    for (const { begin } of ranges) {
      const into = new Uint8Array(MIB);
      await ahead.read(begin, into);
      expect(Buffer.from(into).equals(bytes.subarray(begin, begin + MIB))).toBe(true);
      const fetched = bytesRead(source);
      expect(fetched - begin).toBeLessThanOrEqual(24 * MIB + MIB);
    }
    expect(bytesRead(source)).toBe(size);
    expect(source.most.reads).toBe(4);
    expect(source.most.bytes).toBeLessThanOrEqual(24 * MIB);
  });

  it("serves reads in any order, announced or not", async () => {
    const ahead = readAheadSource(remote(bytes));
    ahead.announce(ranges.filter((_, i) => i % 3 !== 0));
    let state = 7;
    for (let i = 0; i < 100; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const begin = state % (size - 3 * MIB);
      const into = new Uint8Array(1 + (state % (2 * MIB)));
      await ahead.read(begin, into);
      expect(Buffer.from(into).equals(bytes.subarray(begin, begin + into.length))).toBe(true);
    }
  });

  it("says what failed to whoever reads it, and tries again after that", async () => {
    const source = remote(bytes);
    const ahead = readAheadSource(source);
    source.fail = (begin) => begin >= 8 * MIB;
    ahead.announce(ranges);
    const into = new Uint8Array(MIB);
    await ahead.read(0, into);
    await expect(ahead.read(8 * MIB, into)).rejects.toMatchObject({ code: "read-failed" });
    delete source.fail;
    await ahead.read(8 * MIB, into);
    expect(into[4096]).toBe(bytes[8 * MIB + 4096]);
  });

  it("stops waiting when its signal says so, and everything when closed", async () => {
    const ahead = readAheadSource(remote(bytes));
    ahead.announce(ranges);
    const reason = new Error("enough");
    const controller = new AbortController();
    const promise = ahead.read(0, new Uint8Array(MIB), controller.signal);
    controller.abort(reason);
    await expect(promise).rejects.toBe(reason);
    await ahead.close();
    await expect(ahead.read(0, new Uint8Array(1))).rejects.toMatchObject({ code: "closed" });
  });
});
