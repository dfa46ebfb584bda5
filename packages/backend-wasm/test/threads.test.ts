/** Threads: equal results, the process's end, disposal, and what happens where there can be none. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { DisposedError, GraphBuilder, tensor } from "@textower/graph";
import type { Graph, Tensor, WeightSource } from "@textower/graph";
import { afterEach, expect, test, vi } from "vitest";
import { wasm } from "../dist/index.js";

const WIDTH = 96;

function graph(): Graph {
  const g = new GraphBuilder();
  let x = g.input("x", "float32", ["rows", WIDTH]);
  for (let i = 0; i < 6; i++) x = g.add(x, g.gelu(g.linear(x, g.weight(`w${i}`, [WIDTH, WIDTH])), "erf"));
  return g.build({ y: x });
}

function values(rows: number, seed: number): Tensor {
  const data = Float32Array.from({ length: rows * WIDTH }, (_, i) => Math.sin(i * 0.731 + seed) / 8);
  return tensor("float32", [rows, WIDTH], data);
}

const source: WeightSource = { read: (name) => Promise.resolve(values(WIDTH, Number(name.slice(1)))) };

afterEach(() => vi.unstubAllGlobals());

test("any number of threads gives the same bits", async () => {
  const one = await wasm({ threads: 1 }).compile(graph(), source);
  const three = await wasm({ threads: 3 }).compile(graph(), source);
  expect([one.info.threads, three.info.threads]).toEqual([1, 3]);
  for (let run = 0; run < 200; run++) {
    const x = values(1 + ((run * 7) % 90), run);
    const [a, b] = await Promise.all([one.run({ x }), three.run({ x })]);
    expect(b["y"]!.data).toEqual(a["y"]!.data);
  }
  await Promise.all([one.dispose(), three.dispose()]);
});

test("dispose during a run: it ends, those that wait reject", async () => {
  const executable = await wasm({ threads: 2 }).compile(graph(), source);
  const runs = [1, 2, 3].map((seed) => executable.run({ x: values(300, seed) }));
  const outcomes = Promise.allSettled(runs);
  await executable.dispose();
  for (const outcome of await outcomes) {
    if (outcome.status === "rejected") expect(outcome.reason).toBeInstanceOf(DisposedError);
  }
  expect((await outcomes).at(-1)!.status).toBe("rejected");
});

test("a caller that may not block awaits its workers", async () => {
  // As in a browser's main thread.
  const wait = vi.spyOn(Atomics, "wait").mockImplementation(() => {
    throw new TypeError("Atomics.wait cannot be called in this context");
  });
  const two = await wasm({ threads: 2 }).compile(graph(), source);
  wait.mockRestore();
  const one = await wasm({ threads: 1 }).compile(graph(), source);
  for (let run = 0; run < 50; run++) {
    const x = values(1 + run, run);
    expect((await two.run({ x }))["y"]!.data).toEqual((await one.run({ x }))["y"]!.data);
  }
  expect(two.info.threads).toBe(2);
  await Promise.all([one.dispose(), two.dispose()]);
});

test("no shared memory: one thread, and info says why", async () => {
  vi.stubGlobal("SharedArrayBuffer", undefined);
  const executable = await wasm({ threads: 4 }).compile(graph(), source);
  expect(executable.info.threads).toBe(1);
  expect(executable.info.notes).toEqual(["one thread: the engine has no shared memory"]);
  await executable.dispose();
});

test("refuses a number of threads that is none", async () => {
  await expect(wasm({ threads: 0 }).compile(graph(), source)).rejects.toThrow("whole number from 1, got 0");
});

test("a source that fails leaves no thread behind, and the process ends by itself without dispose", async () => {
  const script = `
    import { wasm } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
    import { GraphBuilder, tensor } from ${JSON.stringify(new URL("../../graph/dist/index.js", import.meta.url).href)};
    const g = new GraphBuilder();
    const graph = g.build({ y: g.linear(g.input("x", "float32", ["rows", 8]), g.weight("w", [8, 8])) });
    const eight = () => tensor("float32", [8, 8], new Float32Array(64).fill(1));
    const broken = { read: () => Promise.reject(new Error("no such tensor")) };
    await wasm({ threads: 2 }).compile(graph, broken).catch((error) => console.log(error.message));
    const executable = await wasm({ threads: 2 }).compile(graph, { read: () => Promise.resolve(eight()) });
    const { y } = await executable.run({ x: eight() });
    console.log(executable.info.threads, y.data[0]);
  `;
  const args = ["--input-type=module", "--eval", script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
  expect(stdout).toBe("no such tensor\n2 8\n");
});
