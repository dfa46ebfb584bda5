/** Bytes from files, blobs and memory. */
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blobSource, bufferSource, fileSource, openCheckpoint } from "../src/index.js";
import type { ByteSource } from "../src/index.js";
import { expectMicro, golden, goldenPath } from "./golden.js";

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i * 7);
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "textower-sources-"));
  await writeFile(join(directory, "bytes"), bytes);
});
afterAll(() => rm(directory, { recursive: true }));

const sources: Record<string, () => Promise<ByteSource>> = {
  "a path": () => fileSource(join(directory, "bytes")),
  "a file URL": () => fileSource(pathToFileURL(join(directory, "bytes"))),
  "a Blob": async () => blobSource(new Blob([bytes])),
  "a File": async () => blobSource(new File([bytes], "bytes")),
  "an ArrayBuffer": async () => bufferSource(bytes.buffer),
  "a Uint8Array within a buffer": async () =>
    bufferSource(Uint8Array.of(9, 9, 9, ...bytes, 9).subarray(3, 1003)),
};

describe.each(Object.entries(sources))("%s", (_, open) => {
  it("gives any bytes", async () => {
    const source = await open();
    expect(source.size).toBe(1000);
    for (const [offset, length] of [
      [0, 1000],
      [999, 1],
      [17, 300],
      [1000, 0],
      [0, 0],
    ] as const) {
      const into = new Uint8Array(length);
      await source.read(offset, into);
      expect(into).toEqual(bytes.slice(offset, offset + length));
    }
    await source.close();
  });

  it("gives no others", async () => {
    const source = await open();
    for (const [offset, length] of [
      [0, 1001],
      [1000, 1],
      [-1, 1],
      [0.5, 1],
      [NaN, 1],
      [2 ** 53, 0],
    ] as const) {
      await expect(source.read(offset, new Uint8Array(length))).rejects.toMatchObject({
        name: "ByteSourceError",
        code: "out-of-range",
      });
    }
    await source.close();
  });

  it("stops at a signal", async () => {
    const source = await open();
    const reason = new Error("enough");
    await expect(source.read(0, new Uint8Array(9), AbortSignal.abort(reason))).rejects.toBe(reason);
    const later = new AbortController();
    const promise = source.read(0, new Uint8Array(1000), later.signal);
    later.abort(reason);
    await expect(promise).rejects.toBe(reason);
    await source.close();
  });

  it("closes once and for all", async () => {
    const source = await open();
    await source.close();
    await source.close();
    await expect(source.read(0, new Uint8Array(1))).rejects.toMatchObject({ code: "closed" });
  });

  it("leaves its bytes alone", async () => {
    const source = await open();
    const into = new Uint8Array(1000);
    await source.read(0, into);
    into.fill(0);
    await source.read(0, into);
    expect(into).toEqual(bytes);
    await source.close();
  });
});

describe("a file", () => {
  it("that is not there, or none, is refused", async () => {
    await expect(fileSource(join(directory, "nope"))).rejects.toMatchObject({ code: "not-found" });
    await expect(fileSource(join(directory, "bytes", "nope"))).rejects.toMatchObject({ code: "not-found" });
    await expect(fileSource(directory)).rejects.toMatchObject({ code: "not-a-file" });
    await expect(fileSource("with\0zero")).rejects.toMatchObject({ code: "read-failed" });
  });

  it("that shrinks while it is open is noticed", async () => {
    const path = join(directory, "shrinking");
    await writeFile(path, bytes);
    const source = await fileSource(path);
    await truncate(path, 500);
    await expect(source.read(400, new Uint8Array(200))).rejects.toMatchObject({ code: "short-read" });
    await source.close();
  });
});

describe("a checkpoint", () => {
  const options = { activation: "quick_gelu" } as const;
  const path = goldenPath("micro.openai.safetensors");

  it.each([
    ["a path", () => path],
    ["a file URL", () => pathToFileURL(path)],
    ["a file URL as text", () => pathToFileURL(path).href],
    ["a Blob", () => new Blob([golden("micro.openai")])],
    ["a File", () => new File([golden("micro.openai")], "x.safetensors")],
    ["an ArrayBuffer", () => golden("micro.openai").buffer],
    ["a Uint8Array", () => golden("micro.openai")],
    ["a source", () => bufferSource(golden("micro.openai"))],
  ])("opens from %s, and closes", async (_, source) => {
    const checkpoint = await openCheckpoint(source(), options);
    await expectMicro(checkpoint);
    await checkpoint.close();
    await checkpoint.close();
    await expect(checkpoint.read("ln_final.bias")).rejects.toMatchObject({ code: "closed" });
    const row = checkpoint.tokenEmbedding.read(Int32Array.of(7), new Float32Array(64));
    await expect(row).rejects.toMatchObject({ code: "closed" });
  });

  it.each([[undefined], [null], [7], [{}]])("does not open from %s", async (source) => {
    await expect(openCheckpoint(source as never, options)).rejects.toMatchObject({ code: "bad-option" });
  });

  it("stops at a signal", async () => {
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(openCheckpoint(path, { ...options, signal })).rejects.toBe(reason);
    const checkpoint = await openCheckpoint(path, options);
    await expect(checkpoint.read("ln_final.bias", undefined, signal)).rejects.toBe(reason);
    const row = checkpoint.tokenEmbedding.read(Int32Array.of(7), new Float32Array(64), signal);
    await expect(row).rejects.toBe(reason);
    await checkpoint.close();
  });

  it("that fails to open leaves a given source open, and closes others", async () => {
    const source = bufferSource(golden("micro.openai"));
    await expect(openCheckpoint(source)).rejects.toMatchObject({ name: "MissingActivationError" });
    await source.read(0, new Uint8Array(1));
  });

  it.each([
    ["git-lfs-pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"],
    ["pytorch-file", `${"\0".repeat(257)}ustar${"\0".repeat(300)}`],
    ["not-a-checkpoint", "<!DOCTYPE html><title>Not found</title>"],
  ])("is refused as %s", async (code, text) => {
    const promise = openCheckpoint(new TextEncoder().encode(text), options);
    await expect(promise).rejects.toMatchObject({ name: "CheckpointError", code });
  });
});
