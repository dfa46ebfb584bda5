/** Rows of the token table: right, few reads, bounded memory. */
import { numberToFloat16 } from "@textower/graph";
import { describe, expect, it } from "vitest";
import { openCheckpoint, writeSafetensors } from "../src/index.js";
import type { Checkpoint, OpenCheckpointOptions, StoredTensor } from "../src/index.js";
import { bfloat16, countingSource, expectedTensors, golden, tensorsOf } from "./golden.js";

const WIDTH = 64;
const ROW_BYTES = WIDTH * 4;
const table = expectedTensors("micro").get("token_embedding.weight")!.values;

/** micro with a token table of another stored type, open, and what was read since. */
async function open(dtype: "F32" | "F16" | "BF16" = "F32", options: OpenCheckpointOptions = {}) {
  const tensors = new Map<string, StoredTensor>(tensorsOf(golden("micro.openai")));
  const data =
    dtype === "F32" ? table : Uint16Array.from(table, dtype === "F16" ? numberToFloat16 : bfloat16);
  tensors.set("token_embedding.weight", { dtype, shape: [1024, WIDTH], data });
  const source = countingSource(new Uint8Array(writeSafetensors(tensors)));
  const checkpoint = await openCheckpoint(source, { activation: "quick_gelu", ...options });
  source.reads.length = 0;
  return { source, checkpoint };
}

async function read(checkpoint: Checkpoint, ids: number[]): Promise<Float32Array> {
  const into = new Float32Array(ids.length * WIDTH);
  await checkpoint.tokenEmbedding.read(Int32Array.from(ids), into);
  return into;
}

/** Rows of the exact table, each element through `round`. */
const rows = (ids: number[], round: (value: number) => number = Math.fround): Float32Array =>
  Float32Array.from(ids.flatMap((id) => [...table.subarray(id * WIDTH, (id + 1) * WIDTH)].map(round)));

/** The 11 bits of float16's significand, for numbers in its normal range; the golden table has no others but tiny ones. */
function roundFloat16(value: number): number {
  const unit = Math.max(2 ** (Math.floor(Math.log2(Math.abs(value))) - 10), 2 ** -24);
  const units = value / unit;
  const floor = Math.floor(units);
  const up = units - floor > 0.5 || (units - floor === 0.5 && floor % 2 !== 0);
  return (up ? floor + 1 : floor) * unit;
}

const view = new Float32Array(1);
function roundBfloat16(value: number): number {
  new Uint32Array(view.buffer)[0] = bfloat16(value) << 16;
  return view[0]!;
}

describe("rows", () => {
  const ids = [1022, 5, 0, 1023, 5, 6, 7, 400, 1022];

  it("are those asked for, in that order, however often", async () => {
    const { checkpoint } = await open();
    expect(checkpoint.tokenEmbedding).toMatchObject({ rows: 1024, width: WIDTH });
    for (let time = 0; time < 3; time++) expect(await read(checkpoint, ids)).toEqual(rows(ids));
    expect(await read(checkpoint, [])).toEqual(new Float32Array());
  });

  it.each([
    ["F16", roundFloat16],
    ["BF16", roundBfloat16],
  ] as const)("are widened from %s", async (dtype, round) => {
    const { checkpoint } = await open(dtype);
    expect(await read(checkpoint, ids)).toEqual(rows(ids, round));
  });

  it("are right for every id at once, and in parallel", async () => {
    const { checkpoint } = await open("F32", { rowCacheBytes: 100 * ROW_BYTES });
    const all = Array.from({ length: 1024 }, (_, i) => (i * 389) % 1024);
    const results = await Promise.all([all, ids, all.toReversed()].map((ids) => read(checkpoint, ids)));
    expect(results).toEqual([rows(all), rows(ids), rows(all.toReversed())]);
  });

  it.each([[-1], [1024], [2 ** 31 - 1]])("of id %i are refused before anything is read", async (id) => {
    const { checkpoint, source } = await open();
    await expect(read(checkpoint, [3, id])).rejects.toMatchObject({
      name: "CheckpointError",
      code: "bad-token",
    });
    expect(source.reads).toEqual([]);
  });

  it("need an array of their size", async () => {
    const { checkpoint } = await open();
    const short = checkpoint.tokenEmbedding.read(Int32Array.of(1, 2), new Float32Array(64));
    await expect(short).rejects.toMatchObject({ code: "bad-option" });
  });
});

describe("reads", () => {
  it("are of the rows alone, and near ones together", async () => {
    const { checkpoint, source } = await open();
    // 16 KiB are 64 rows.
    await read(checkpoint, [500, 10, 12, 564, 700, 10]);
    const lengths = source.reads.map(([, length]) => length / ROW_BYTES).sort((a, b) => a - b);
    expect(lengths).toEqual([1, 3, 65]);
  });

  it("do not happen for rows that were read before", async () => {
    const { checkpoint, source } = await open();
    const first = await read(checkpoint, [1, 2, 3]);
    first.fill(0); // the caller's own
    source.reads.length = 0;
    expect(await read(checkpoint, [3, 1, 1])).toEqual(rows([3, 1, 1]));
    expect(source.reads).toEqual([]);
  });

  it("forget the row that was used longest ago", async () => {
    const { checkpoint, source } = await open("F32", { rowCacheBytes: 2 * ROW_BYTES + 1 });
    await read(checkpoint, [100]);
    await read(checkpoint, [300]);
    await read(checkpoint, [100]); // 300 is the older one now
    await read(checkpoint, [500]);
    source.reads.length = 0;
    await read(checkpoint, [100, 500]);
    expect(source.reads).toEqual([]);
    await read(checkpoint, [300]);
    expect(source.bytesRead()).toBe(ROW_BYTES);
  });

  it("drop nothing for a row that is there", async () => {
    const { checkpoint, source } = await open("F32", { rowCacheBytes: 3 * ROW_BYTES });
    for (const id of [100, 300, 500, 300]) await read(checkpoint, [id]);
    source.reads.length = 0;
    await read(checkpoint, [100, 300, 500]);
    expect(source.reads).toEqual([]);
  });

  it("happen each time without a cache", async () => {
    const { checkpoint, source } = await open("F32", { rowCacheBytes: 0 });
    await read(checkpoint, [1]);
    await read(checkpoint, [1]);
    expect(source.bytesRead()).toBe(2 * ROW_BYTES);
  });

  it("are never larger than half a megabyte, whatever is asked for", async () => {
    const tensors = new Map(tensorsOf(golden("micro.openai")));
    tensors.set("token_embedding.weight", {
      dtype: "F32",
      shape: [8192, 64],
      data: new Float32Array(8192 * 64),
    });
    const source = countingSource(new Uint8Array(writeSafetensors(tensors)));
    const checkpoint = await openCheckpoint(source, { activation: "gelu" });
    source.reads.length = 0;
    await read(
      checkpoint,
      Array.from({ length: 8192 }, (_, id) => id),
    );
    expect(source.largest()).toBe(512 * 1024);
    expect(source.bytesRead()).toBe(8192 * ROW_BYTES);
  });

  it("that fail leave the array alone from then on", async () => {
    const { checkpoint, source } = await open("F32", { rowCacheBytes: 0 });
    await source.close();
    const into = new Float32Array(3 * WIDTH);
    await expect(checkpoint.tokenEmbedding.read(Int32Array.of(0, 300, 600), into)).rejects.toMatchObject({
      code: "closed",
    });
    into.fill(1);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(into.every((value) => value === 1)).toBe(true);
  });
});
