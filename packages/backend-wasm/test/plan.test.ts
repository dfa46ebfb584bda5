/** Memory: where things lie, what is fused, what is refused, and that it stays as large as it is. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { architecture, buildTextEncoder } from "@textower/model";
import { GraphBuilder, tensor } from "@textower/graph";
import type { Graph, WeightSource } from "@textower/graph";
import { expect, test } from "vitest";
import { wasm } from "../src/index.js";
import { placeBuffers } from "../src/arena.js";
import { makePlan } from "../src/plan.js";
import { operands } from "../src/steps.js";

test("the kernels are those of the sources, byte for byte", async () => {
  const script = fileURLToPath(new URL("../scripts/build-kernels.mjs", import.meta.url));
  await promisify(execFile)(process.execPath, [script, "--check"]);
});

const tower = buildTextEncoder(architecture("ViT-B-32", "quick_gelu"), {
  outputs: ["embedding", "hidden.3"],
});

test("buffers that live at the same time never overlap, in plans with and without guards", () => {
  for (const guard of [0, 100]) {
    const { buffers, address, bytes } = makePlan(tower, { guard }).arena;
    for (const a of buffers) {
      expect(a.address - guard).toBeGreaterThanOrEqual(address);
      expect(a.address + a.bytes + guard).toBeLessThanOrEqual(address + bytes);
      for (const b of buffers) {
        if (a === b || a.last < b.first || b.last < a.first) continue;
        const apart = a.address + a.bytes + guard <= b.address || b.address + b.bytes + guard <= a.address;
        expect(apart, `values ${a.value} and ${b.value}`).toBe(true);
      }
    }
  }
});

test("a step's result lies apart from what it reads", () => {
  const plan = makePlan(tower);
  const lives = new Map(plan.arena.buffers.map((buffer) => [buffer.value, buffer]));
  for (const step of plan.lowered.steps) {
    const y = lives.get(step.y)!;
    for (const id of operands(step)) {
      const x = lives.get(id);
      if (x !== undefined)
        expect(x.address + x.bytes <= y.address || y.address + y.bytes <= x.address).toBe(true);
    }
  }
});

test("buffers share bytes where they can", () => {
  const lifetimes = [0, 1, 2, 3].map((step) => ({ bytes: 640, first: step, last: step + 1 }));
  expect(placeBuffers(lifetimes).bytes).toBe(1280);
});

test("a block is eight steps: two norms, four linears, attention, and gelu and residuals inside linears", () => {
  const ops = (layers: number): string[] => {
    const descriptor = { ...architecture("ViT-B-32", "quick_gelu"), layers };
    return makePlan(buildTextEncoder(descriptor, { outputs: ["last"] })).lowered.steps.map(({ op }) => op);
  };
  expect(ops(2).slice(0, 1)).toEqual(["gather"]);
  const block = ops(2).slice(1, 1 + (ops(2).length - 2) / 2);
  expect(block.toSorted()).toEqual(
    ["layerNorm", "linear", "attention", "linear", "layerNorm", "linear", "linear"].sort(),
  );
});

test("weights of ViT-L/14 in float32 take no more than they must", () => {
  const graph = buildTextEncoder(architecture("ViT-L-14", "quick_gelu"));
  const count = graph.nodes.reduce(
    (sum, node) => sum + (node.op === "weight" ? node.shape.reduce((a, b) => a * b, 1) : 0),
    0,
  );
  const plan = makePlan(graph, { maxRows: 128 });
  const weights = plan.arena.address;
  expect(weights).toBeGreaterThan(4 * count);
  expect(weights).toBeLessThan(4 * count * 1.01);
});

test("more than 4 GiB is refused before any weight is read", async () => {
  const g = new GraphBuilder();
  const y = g.linear(g.input("x", "float32", ["rows", 32768]), g.weight("w", [40_000, 32768]));
  const source: WeightSource = { read: () => Promise.reject(new Error("read")) };
  await expect(wasm({ threads: 1 }).compile(g.build({ y }), source)).rejects.toThrow(
    /expected at most 4 GiB of memory, got 5\.\d\d GiB/,
  );
});

test("memory that is not to be had is a BackendError, before any weight is read", async () => {
  const { graph } = small();
  const { Memory } = WebAssembly;
  WebAssembly.Memory = function () {
    throw new RangeError("could not allocate memory");
  } as unknown as typeof Memory;
  try {
    const source: WeightSource = { read: () => Promise.reject(new Error("read")) };
    const compiled = wasm({ threads: 1 }).compile(graph, source);
    await expect(compiled).rejects.toMatchObject({
      name: "BackendError",
      message: expect.stringMatching(/^wasm: expected \d+ MiB of memory, got none$/) as string,
    });
  } finally {
    WebAssembly.Memory = Memory;
  }
});

test("weights that are also operands, and weights that are computed", async () => {
  const g = new GraphBuilder();
  const w = g.weight("w", [3, 5]);
  const norm = g.layerNorm(w, g.weight("scale", [5]), g.weight("shift", [5]), 1e-5);
  const graph = g.build({
    square: g.linear(w, w),
    computed: g.linear(g.input("x", "float32", ["rows", 5]), norm),
    w,
  });
  const values = Float32Array.from({ length: 15 }, (_, i) => Math.sin(i));
  const executable = await wasm({ threads: 1 }).compile(graph, {
    read: (name) =>
      Promise.resolve(
        name === "w"
          ? tensor("float32", [3, 5], values)
          : tensor("float32", [5], new Float32Array(5).fill(name === "scale" ? 1 : 0)),
      ),
  });
  const identity = Float32Array.from({ length: 25 }, (_, i) => (i % 6 === 0 ? 1 : 0));
  const result = await executable.run({ x: tensor("float32", [5, 5], identity) });
  expect(result["w"]!.data).toEqual(values);
  expect(result["square"]!.data[1]).toBeCloseTo(
    [0, 1, 2, 3, 4].reduce((sum, i) => sum + values[i]! * values[5 + i]!, 0),
    5,
  );
  const rows = [0, 1, 2].map((row) => [0, 1, 2, 3, 4].map((i) => result["computed"]!.data[i * 3 + row]!));
  for (const row of rows) expect(row.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(5, 3);
  await executable.dispose();
});

test("memory stays as it is over 10,000 runs of many sizes", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  /** What is reachable: not what the engine frees a turn later, such as code that it has replaced. */
  const held = async (): Promise<number> => {
    for (let i = 0; i < 5; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    return heapUsed + external + arrayBuffers;
  };
  const { graph, source, inputs } = small();
  const executable = await wasm({ threads: 1 }).compile(graph, source, { maxRows: 64 });
  const machine = (executable as unknown as { machine: { memory: WebAssembly.Memory } }).machine;
  const runs = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await executable.run(inputs(1 + (i % 64)));
  };
  await runs(1000); // what the engine compiles and caches
  const before = await held();
  await runs(10_000);
  expect((await held()) - before).toBeLessThan(2 ** 20);
  expect(machine.memory.buffer.byteLength).toBe(executable.info.memoryBytes);
  await executable.dispose();
});

function small(): {
  graph: Graph;
  source: WeightSource;
  inputs: (rows: number) => Record<string, ReturnType<typeof tensor>>;
} {
  const g = new GraphBuilder();
  const y = g.linear(g.input("x", "float32", ["rows", 24]), g.weight("w", [24, 24]));
  const source = {
    read: () => Promise.resolve(tensor("float32", [24, 24], new Float32Array(576).fill(0.1))),
  };
  const inputs = (rows: number) => ({
    x: tensor("float32", [rows, 24], new Float32Array(rows * 24).fill(1)),
  });
  return { graph: g.build({ y }), source, inputs };
}
