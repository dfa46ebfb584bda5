/** What is this backend's own: the injected runtime, its failures, and what stays behind. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { GraphBuilder, tensor } from "@textower/graph";
import type { Graph, WeightSource } from "@textower/graph";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { onnx } from "../src/index.js";
import type { OrtModule, OrtSession } from "../src/index.js";
import { runtimes } from "./runtimes.js";

const ones: WeightSource = {
  read: () => Promise.resolve(tensor("float32", [3, 2], new Float32Array(6).fill(1))),
};

/** y = x · wᵀ with x [rows, 2] and w [3, 2]. */
function product(): Graph {
  const g = new GraphBuilder();
  return g.build({ y: g.linear(g.input("x", "float32", ["rows", 2]), g.weight("w", [3, 2])) });
}

const x = tensor("float32", [1, 2], Float32Array.of(2, 3));

/** onnxruntime-node with some members of its sessions replaced. */
function faulty(change: (session: OrtSession) => Partial<OrtSession>): OrtModule {
  const create: OrtModule["InferenceSession"]["create"] = async (model, options) => {
    const session: OrtSession = await ort.InferenceSession.create(model as Uint8Array, options as object);
    return {
      run: (feeds) => session.run(feeds),
      release: () => session.release(),
      ...change(session),
    };
  };
  return { InferenceSession: { create }, Tensor: ort.Tensor, env: ort.env };
}

describe("support", () => {
  test("asks whether the runtime looks right, and never throws", async () => {
    expect(await onnx({ ort }).isSupported()).toEqual({ supported: true });
    for (const wrong of [undefined, null, {}, { InferenceSession: {} }, "onnxruntime-node"]) {
      const backend = onnx({ ort: wrong as unknown as OrtModule });
      expect(await backend.isSupported()).toMatchObject({ supported: false });
      await expect(backend.compile(product(), ones)).rejects.toMatchObject({ name: "UnsupportedError" });
    }
  });

  test("refuses int8", async () => {
    await expect(onnx({ ort }).compile(product(), ones, { precision: "int8" })).rejects.toMatchObject({
      name: "UnsupportedError",
      message: "onnx: expected precision float32 or float16, got int8",
    });
  });
});

describe.each(runtimes)("$name", ({ make }) => {
  test("weights that are part of a larger buffer, and widened ones", async () => {
    const large = new Float32Array(100).fill(9);
    const part = large.subarray(50, 56);
    part.set([1, 2, 3, 4, 5, 6]);
    const halves = Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600); // 1 … 6
    for (const stored of [tensor("float32", [3, 2], part), tensor("float16", [3, 2], halves)]) {
      const executable = await make().compile(product(), { read: () => Promise.resolve(stored) });
      expect((await executable.run({ x }))["y"]!.data).toEqual(Float32Array.of(8, 18, 28));
      await executable.dispose();
    }
  });

  test("an input and a weight as outputs are copies", async () => {
    const g = new GraphBuilder();
    const input = g.input("x", "float32", ["rows", 2]);
    const executable = await make().compile(g.build({ x: input, w: g.weight("w", [3, 2]) }), ones);
    const first = await executable.run({ x });
    first["x"]!.data.fill(7);
    first["w"]!.data.fill(7);
    const second = await executable.run({ x });
    expect(second["x"]!.data).toEqual(Float32Array.of(2, 3));
    expect(second["w"]!.data).toEqual(new Float32Array(6).fill(1));
    expect(x.data).toEqual(Float32Array.of(2, 3));
    await executable.dispose();
  });

  test("refuses weights of another size", async () => {
    const short: WeightSource = {
      read: () => Promise.resolve(tensor("float32", [2, 2], new Float32Array(4))),
    };
    await expect(make().compile(product(), short)).rejects.toMatchObject({ name: "UnsupportedError" });
  });
});

describe("what it says it runs on", () => {
  test("runtime, provider, threads, bytes", async () => {
    const executable = await onnx({ ort, executionProviders: [{ name: "cpu" }], threads: 2 }).compile(
      product(),
      ones,
    );
    const { device, threads, memoryBytes, notes } = executable.info;
    expect(device).toMatch(/^cpu \(onnxruntime-node \d/);
    expect({ threads, memoryBytes, notes }).toEqual({ threads: 2, memoryBytes: 24, notes: [] });
    await executable.dispose();
  });

  test("a note when the thread count is the runtime's choice", async () => {
    const executable = await onnx({ ort }).compile(product(), ones);
    expect(executable.info.notes).toHaveLength(1);
    await executable.dispose();
  });
});

describe("failures of the runtime", () => {
  test("a provider that does not exist: BackendError with the cause", async () => {
    const backend = onnx({ ort, executionProviders: ["abacus"] });
    await expect(backend.compile(product(), ones)).rejects.toMatchObject({
      name: "BackendError",
      cause: expect.any(Error),
    });
  });

  test("a run that throws: BackendError with the cause, and the next run works", async () => {
    let failures = 1;
    const broken = faulty((session) => ({
      run: (feeds) =>
        failures-- > 0 ? Promise.reject(new Error("out of memory")) : session.run(feeds as never),
    }));
    const executable = await onnx({ ort: broken }).compile(product(), ones);
    await expect(executable.run({ x })).rejects.toMatchObject({
      name: "BackendError",
      message: expect.stringContaining("out of memory"),
      cause: expect.any(Error),
    });
    expect((await executable.run({ x }))["y"]!.data).toEqual(Float32Array.of(5, 5, 5));
    await executable.dispose();
  });

  test("an abort while the session is made releases it", async () => {
    const controller = new AbortController();
    let released = 0;
    const counted = faulty((session) => {
      controller.abort(new RangeError("stop"));
      return { release: () => (released++, session.release()) };
    });
    const { signal } = controller;
    await expect(onnx({ ort: counted }).compile(product(), ones, { signal })).rejects.toThrow("stop");
    expect(released).toBe(1);
  });

  test("dispose waits for the run in flight and releases once", async () => {
    const events: string[] = [];
    const counted = faulty((session) => ({
      run: async (feeds) => {
        const results = await session.run(feeds as never);
        events.push("ran");
        return results;
      },
      release: () => (events.push("released"), session.release()),
    }));
    const executable = await onnx({ ort: counted }).compile(product(), ones);
    const running = executable.run({ x });
    await Promise.resolve(); // by now it has started
    await Promise.resolve();
    await Promise.all([executable.dispose(), executable.dispose()]);
    expect(events).toEqual(["ran", "released"]);
    expect((await running)["y"]!.data).toEqual(Float32Array.of(5, 5, 5));
  });
});

test.each(["onnxruntime-node", "onnxruntime-web"])(
  "%s: a process ends by itself after dispose",
  (name) => {
    const script = `
    import * as ort from ${JSON.stringify(name)};
    import { GraphBuilder, tensor } from "@textower/graph";
    import { onnx } from "@textower/backend-onnx";
    if (${JSON.stringify(name)} === "onnxruntime-web") ort.env.wasm.numThreads = 1;
    const g = new GraphBuilder();
    const y = g.linear(g.input("x", "float32", ["rows", 2]), g.weight("w", [3, 2]));
    const read = async () => tensor("float32", [3, 2], new Float32Array(6).fill(1));
    const executable = await onnx({ ort }).compile(g.build({ y }), { read });
    const { y: result } = await executable.run({ x: tensor("float32", [1, 2], Float32Array.of(2, 3)) });
    await executable.dispose();
    console.log([...result.data].join());
  `;
    const cwd = fileURLToPath(new URL("..", import.meta.url));
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd,
      timeout: 30_000,
    });
    expect(output.toString().trim()).toBe("5,5,5");
  },
  40_000,
);
