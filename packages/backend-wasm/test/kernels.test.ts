/** Kernels by themselves: packed products of ragged sizes, functions against float64, quantising, bit equality. */
import { float16ToNumber, GraphBuilder, numberToFloat16, tensor } from "@textower/graph";
import type { Precision, Tensor, WeightSource } from "@textower/graph";
import { describe, expect, test } from "vitest";
import { compiledModule, runsHere } from "../src/variants.js";
import { wasm } from "../src/index.js";
import { erf } from "../../backend-reference/dist/ops.js";

interface Exports {
  memory: WebAssembly.Memory;
  quickRow(x: number, y: number, bytes: number): void;
  erfRow(x: number, y: number, bytes: number): void;
  tanhRow(x: number, y: number, bytes: number): void;
  packFloat16(rows: number, columns: number, x: number, stride: number, panel: number): number;
  widenFloat16(count: number, x: number, y: number): void;
  activationLimit(k: number): number;
}

const VARIANTS = (["simd", "relaxed"] as const).filter(runsHere);

async function kernels(variant: "simd" | "relaxed"): Promise<Exports> {
  const memory = new WebAssembly.Memory({ initial: 64 });
  const instance = await WebAssembly.instantiate(await compiledModule(variant, false), { env: { memory } });
  return { ...(instance.exports as unknown as Exports), memory };
}

/** A small deterministic generator: the same numbers in every run. */
function noise(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

function matrix(seed: number, rows: number, columns: number): Tensor {
  const next = noise(seed);
  return tensor("float32", [rows, columns], Float32Array.from({ length: rows * columns }, next));
}

function source(weights: Record<string, Tensor>): WeightSource {
  return { read: (name) => Promise.resolve(weights[name]!) };
}

describe.each(VARIANTS)("%s", (variant) => {
  test.each([
    ["quickRow", (x: number) => x / (1 + Math.exp(-1.702 * x))],
    ["erfRow", (x: number) => 0.5 * x * (1 + erf(x / Math.SQRT2))],
    ["tanhRow", (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))],
  ] as const)("%s is within 5e-7 of max(1, |x|) of its formula", async (name, formula) => {
    const exports = await kernels(variant);
    const count = 40_000;
    const x = new Float32Array(exports.memory.buffer, 1024, count);
    for (let i = 0; i < count; i++) x[i] = (i / count - 0.5) * 24;
    exports[name](1024, 1024 + 4 * count, 4 * count);
    const y = new Float32Array(exports.memory.buffer, 1024 + 4 * count, count);
    let worst = 0;
    for (let i = 0; i < count; i++) {
      worst = Math.max(worst, Math.abs(y[i]! - formula(x[i]!)) / Math.max(1, Math.abs(x[i]!)));
    }
    expect(worst).toBeLessThan(5e-7);
  });

  test.each(["float32", "float16", "int8"] as const)(
    "%s products of any size; a row does not depend on its neighbours",
    async (precision) => {
      let seed = 1;
      for (const [inputs, outputs] of [
        [1, 1],
        [7, 9],
        [65, 96],
        [96, 65],
        [513, 40],
        [1100, 33],
      ] as const) {
        const [w, b] = [matrix(seed++, outputs, inputs), matrix(seed++, 1, outputs).data as Float32Array];
        const g = new GraphBuilder();
        const x = g.input("x", "float32", ["rows", inputs]);
        const graph = g.build({ y: g.linear(x, g.weight("w", [outputs, inputs]), g.weight("b", [outputs])) });
        const weights = source({ w, b: tensor("float32", [outputs], b) });
        const executable = await wasm({ variant, threads: 1 }).compile(graph, weights, { precision });
        const all = matrix(seed++, 20, inputs);
        const whole = (await executable.run({ x: all }))["y"]!.data as Float32Array;
        expectProduct(whole, all, w, b, precision);
        for (let rows = 1; rows < 20; rows++) {
          const part = tensor("float32", [rows, inputs], (all.data as Float32Array).slice(0, rows * inputs));
          const result = (await executable.run({ x: part }))["y"]!.data;
          expect(result).toEqual(whole.slice(0, rows * outputs));
        }
        await executable.dispose();
      }
    },
  );

  test("float16 rounds to nearest even and comes back exactly", async () => {
    const exports = await kernels(variant);
    const count = 4096;
    const next = noise(5);
    const values = Float32Array.from({ length: count }, (_, i) => next() * 2 ** -(i % 28));
    new Float32Array(exports.memory.buffer, 1024, count).set(values);
    exports.packFloat16(1, count, 1024, count * 4, 65536);
    const halves = new Uint16Array(exports.memory.buffer, 65536, count * 8);
    values.forEach((value, i) => expect(halves[8 * i]).toBe(numberToFloat16(value)));

    const every = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
    new Uint16Array(exports.memory.buffer, 1 << 20, 65536).set(every);
    exports.widenFloat16(65536, 1 << 20, 2 << 20);
    const widened = new Float32Array(exports.memory.buffer, 2 << 20, 65536);
    every.forEach((bits) => {
      if (!Object.is(widened[bits], float16ToNumber(bits)))
        expect([bits, widened[bits]]).toEqual([bits, NaN]);
    });
  });
});

test("sums of int8 products stay within 32 bits", async () => {
  const { activationLimit } = await kernels("simd");
  expect(activationLimit(512)).toBe(2047);
  for (const k of [1, 5120, 8192, 8193, 20_000]) {
    expect(activationLimit(k) * 128 * k).toBeLessThan(2 ** 31);
  }
});

test("weights in every dtype; those that are int8 already keep their integers", async () => {
  const next = noise(9);
  const [outputs, inputs] = [24, 40];
  const data = Int8Array.from({ length: outputs * inputs }, () => Math.round(next() * 90));
  const scales = Float32Array.from({ length: outputs }, () => 0.01 + Math.abs(next()) / 50);
  const real = Float32Array.from(data, (value, i) => value * scales[Math.floor(i / inputs)]!);
  const halves = tensor("float16", [outputs, inputs], Uint16Array.from(real, numberToFloat16));
  const upper = Uint16Array.from(new Uint32Array(real.buffer), (bits) => bits >>> 16);
  const cases: [Tensor, Precision, Float32Array][] = [
    [{ dtype: "int8", shape: [outputs, inputs], data, scales }, "int8", real],
    [{ dtype: "int8", shape: [outputs, inputs], data, scales }, "float32", real],
    [halves, "float32", Float32Array.from(halves.data, float16ToNumber)],
    [halves, "float16", Float32Array.from(halves.data, float16ToNumber)],
    [
      tensor("bfloat16", [outputs, inputs], upper),
      "float32",
      new Float32Array(Uint32Array.from(upper, (bits) => bits << 16).buffer),
    ],
  ];
  for (const [w, precision, values] of cases) {
    const g = new GraphBuilder();
    const y = g.linear(g.input("x", "float32", ["rows", inputs]), g.weight("w", [outputs, inputs]));
    const executable = await wasm({ threads: 1 }).compile(g.build({ y }), source({ w }), { precision });
    const x = matrix(3, 5, inputs);
    const result = (await executable.run({ x }))["y"]!.data as Float32Array;
    const exact = tensor("float32", [outputs, inputs], values);
    // Only the activations are rounded here, to 11 bits and a sign.
    expectProduct(result, x, exact, new Float32Array(outputs), precision === "int8" ? "float16" : "float32");
    await executable.dispose();
  }
});

test("float16 refuses what it cannot hold", async () => {
  const g = new GraphBuilder();
  const y = g.linear(g.input("x", "float32", ["rows", 2]), g.weight("w", [1, 2]));
  const w = tensor("float32", [1, 2], Float32Array.of(1, 70_000));
  await expect(
    wasm({ threads: 1 }).compile(g.build({ y }), source({ w }), { precision: "float16" }),
  ).rejects.toThrow("expected elements of w that float16 can hold, got 70000");
});

/** Against a product in float64; bounds are relative to the largest sum of |x · w|. */
function expectProduct(
  actual: Float32Array,
  x: Tensor,
  w: Tensor,
  bias: Float32Array,
  precision: Precision,
): void {
  const [outputs, inputs] = [w.shape[0]!, w.shape[1]!];
  const bound = { float32: 2e-6, float16: 1e-3, int8: 1e-2 }[precision];
  let worst = 0;
  for (let i = 0; i < actual.length; i++) {
    const [row, out] = [Math.floor(i / outputs), i % outputs];
    let [sum, size] = [bias[out]!, Math.abs(bias[out]!)];
    for (let k = 0; k < inputs; k++) {
      const product = x.data[row * inputs + k]! * w.data[out * inputs + k]!;
      sum += product;
      size += Math.abs(product);
    }
    worst = Math.max(worst, Math.abs(actual[i]! - sum) / size);
  }
  expect(worst).toBeLessThan(bound);
}
