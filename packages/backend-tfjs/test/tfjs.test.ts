/** What is this backend's own: the injected runtime, tensors in and out, and what stays behind. */
import { GraphBuilder, tensor } from "@textower/graph";
import type { Graph, WeightSource } from "@textower/graph";
import { beforeEach, describe, expect, test } from "vitest";
import { tfjs } from "../src/index.js";
import type { TfjsOptions } from "../src/index.js";
import { activate, runtimes, tf } from "./runtimes.js";

const ones: WeightSource = {
  read: () => Promise.resolve(tensor("float32", [3, 2], new Float32Array(6).fill(1))),
};

/** y = x · wᵀ, with the rows of x picked before; x and w are outputs too. */
function product(): Graph {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", ["n", 2]);
  const w = g.weight("w", [3, 2]);
  return g.build({ y: g.linear(g.gather(x, g.input("rows", "int32", ["m"])), w), x, w });
}

const x = tensor("float32", [2, 2], Float32Array.of(2, 3, 4, 5));
const rows = tensor("int32", [1], Int32Array.of(1));

test("asks whether the runtime looks right, and never throws", async () => {
  for (const wrong of [undefined, {}, "tfjs"]) {
    const backend = tfjs({ tf: wrong } as unknown as TfjsOptions);
    expect(await backend.isSupported()).toMatchObject({ supported: false });
    await expect(backend.compile(product(), ones)).rejects.toMatchObject({ name: "UnsupportedError" });
  }
});

test.each(["float16", "int8"] as const)("refuses %s", async (precision) => {
  await expect(tfjs({ tf }).compile(product(), ones, { precision })).rejects.toMatchObject({
    name: "UnsupportedError",
    message: `tfjs: expected precision float32, got ${precision}`,
  });
});

describe.each(runtimes)("%s", (name) => {
  beforeEach(() => activate(name));

  test("tensors in and out; the caller's stay, outputs outlive the executable, nothing leaks", async () => {
    const before = tf.memory();
    const executable = await tfjs({ tf }).compile(product(), ones);
    const given = tf.tensor2d(x.data, [2, 2], "float32");
    const results = await executable.runToTensors({ x: given, rows });
    await executable.dispose();
    expect(await results["y"]!.data()).toEqual(Float32Array.of(9, 9, 9));
    expect(await results["w"]!.data()).toEqual(new Float32Array(6).fill(1));
    tf.dispose(results);
    expect(await given.data()).toEqual(Float32Array.from(x.data));
    given.dispose();
    expect(tf.memory()).toMatchObject({ numTensors: before.numTensors, numBytes: before.numBytes });
  });

  test("results are copies: writing into them changes nothing", async () => {
    const executable = await tfjs({ tf }).compile(product(), ones);
    for (const data of Object.values(await executable.run({ x, rows }))) data.data.fill(7);
    expect((await executable.run({ x, rows }))["w"]!.data).toEqual(new Float32Array(6).fill(1));
    expect(x.data).toEqual(Float32Array.of(2, 3, 4, 5));
    await executable.dispose();
  });

  test("nothing stays behind after errors", async () => {
    const before = tf.memory().numTensors;
    const short: WeightSource = {
      read: () => Promise.resolve(tensor("float32", [2, 2], new Float32Array(4))),
    };
    await expect(tfjs({ tf }).compile(product(), short)).rejects.toMatchObject({ name: "UnsupportedError" });
    const executable = await tfjs({ tf }).compile(product(), ones);
    const list = tf.tensor1d([1], "int32");
    await expect(executable.runToTensors({ x, rows: list })).rejects.toMatchObject({ name: "InputError" });
    list.dispose();
    const gone = tf.tensor2d(x.data, [2, 2], "float32");
    gone.dispose();
    await expect(executable.runToTensors({ x: gone, rows })).rejects.toMatchObject({
      name: "BackendError",
      cause: expect.any(Error),
    });
    await activate(name === "cpu" ? "wasm" : "cpu");
    await expect(executable.run({ x, rows })).rejects.toMatchObject({ name: "BackendError" });
    await activate(name);
    await executable.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
