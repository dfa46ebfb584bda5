/** Text models by their published interface: which are taken, which are refused, and how they are fed. */
import { difference, loadGolden } from "@textower/conformance";
import * as ortNode from "onnxruntime-node";
import * as ortWeb from "onnxruntime-web";
import { describe, expect, test } from "vitest";
import { onnxTextModel } from "../src/index.js";
import type { OrtModule } from "../src/index.js";
import { encodeModel } from "../src/model-proto.js";
import type { OnnxGraph, OnnxNode, OnnxValue } from "../src/model-proto.js";
import { bytesOf, exportGolden, writeExport } from "./exported.js";

ortWeb.env.wasm.numThreads = 1;
const cpu = { executionProviders: ["cpu"], threads: 2 } as const;

describe.each([
  ["onnxruntime-node", ortNode as OrtModule],
  ["onnxruntime-web", ortWeb as OrtModule],
])("%s", (_, ort) => {
  test("an export of ours: golden vectors, from bytes and from a path", async () => {
    const golden = await loadGolden("micro");
    const { embedDim, contextLength } = golden.descriptor;
    const exported = exportGolden(golden, { name: "text_model.onnx" });
    for (const source of [await bytesOf(exported.files[0]!), await writeExport(exported)]) {
      const model = await onnxTextModel(ort, source);
      expect(model).toMatchObject({ embedDim, contextLength });
      expect(model.name).toBe(typeof source === "string" ? "text_model.onnx" : "model.onnx");
      const vectors = await model.encode(golden.tokens);
      expect(difference(vectors, golden.embeddings.flat(), embedDim!).maxAbs).toBeLessThan(5e-5);
      await model.dispose();
      await model.dispose();
      await expect(model.encode(golden.tokens)).rejects.toMatchObject({ name: "DisposedError" });
    }
  });
});

/** int64 or int32 ids, sizes that are fixed or not. */
type Ids = Pick<OnnxValue, "dtype" | "shape">;

/**
 * A model whose vector says what it was fed: [Σ ids, Σ mask] of a prompt. Sums over padding too, so that it shows.
 */
function summing(ids: Ids, mask: Ids | undefined, width: number | string = 2): Uint8Array {
  const nodes: OnnxNode[] = [];
  const sum = (name: string): void => {
    nodes.push({ op: "Cast", inputs: [name], outputs: [`${name}_f`], attributes: { to: { int: 1 } } });
    nodes.push({ op: "ReduceSum", inputs: [`${name}_f`, "axis"], outputs: [`${name}_sum`] });
  };
  sum("input_ids");
  if (mask !== undefined) sum("attention_mask");
  const second = mask === undefined ? "input_ids_sum" : "attention_mask_sum";
  nodes.push({
    op: "Concat",
    inputs: ["input_ids_sum", second],
    outputs: ["text_embeds"],
    attributes: { axis: { int: 1 } },
  });
  const graph: OnnxGraph = {
    nodes,
    inputs: [
      { name: "input_ids", ...ids },
      ...(mask === undefined ? [] : [{ name: "attention_mask", ...mask }]),
    ],
    outputs: [{ name: "text_embeds", dtype: "float32", shape: ["batch", width] }],
    initializers: [
      { name: "axis", dtype: "int64", shape: [1], contents: new Uint8Array(BigInt64Array.of(1n).buffer) },
    ],
  };
  return encodeModel(graph);
}

const PROMPTS = [
  [9, 1, 9],
  [9, 9],
  [9, 1, 2, 3, 9],
];

describe("what a model may look like", () => {
  const dynamic = { dtype: "int64", shape: ["batch", "sequence"] } as const;

  test.each([
    ["int64, dynamic", dynamic, [19, 3, 18, 2, 24, 5]],
    ["int32, dynamic", { ...dynamic, dtype: "int32" }, [19, 3, 18, 2, 24, 5]],
    ["a fixed length", { dtype: "int64", shape: ["batch", 8] }, [19, 3, 18, 2, 24, 5]],
    ["a fixed batch of 2 for 3 prompts", { dtype: "int64", shape: [2, 8] }, [19, 3, 18, 2, 24, 5]],
    ["a batch of one", { dtype: "int32", shape: [1, "sequence"] }, [19, 3, 18, 2, 24, 5]],
  ] as const)("%s, with a mask", async (_, ids, expected) => {
    const model = await onnxTextModel(ortNode, summing(ids, ids), cpu);
    expect([...(await model.encode(PROMPTS))]).toEqual(expected);
    expect(model.contextLength).toBe(ids.shape[1] === 8 ? 8 : 77);
    await model.dispose();
  });

  test("no mask, an embedding whose size only a run shows, padding by another id", async () => {
    const model = await onnxTextModel(ortNode, summing(dynamic, undefined, "size"), { ...cpu, padId: 100 });
    expect(model.embedDim).toBe(2);
    expect([...(await model.encode(PROMPTS))]).toEqual([219, 219, 318, 318, 24, 24]);
    await model.dispose();
  });

  test("the whole context for towers without causal mask", async () => {
    const options = { ...cpu, padId: 1, contextLength: 10, fullContext: true };
    const model = await onnxTextModel(ortNode, summing(dynamic, dynamic), options);
    expect([...(await model.encode(PROMPTS))]).toEqual([26, 3, 26, 2, 29, 5]);
    await model.dispose();
  });

  test("says where it runs", async () => {
    const model = await onnxTextModel(ortNode, summing(dynamic, dynamic), { ...cpu, name: "sums" });
    expect(model.name).toBe("sums");
    expect(model.info).toMatchObject({ backend: "onnx", precision: "float32", threads: 2 });
    expect(model.info.device).toMatch(/^cpu \(onnxruntime-node \d/);
    await model.dispose();
  });

  test("a prompt of no or too many tokens, and an abort", async () => {
    const model = await onnxTextModel(
      ortNode,
      summing({ dtype: "int64", shape: ["batch", 4] }, undefined),
      cpu,
    );
    for (const wrong of [[], [1, 2, 3, 4, 5]]) {
      await expect(model.encode([[1], wrong])).rejects.toThrow(
        `onnxTextModel: expected prompts of 1 to 4 tokens, got ${wrong.length}`,
      );
    }
    const controller = new AbortController();
    controller.abort(new RangeError("stop"));
    await expect(model.encode([[1]], { signal: controller.signal })).rejects.toThrow("stop");
    await model.dispose();
  });
});

describe("refuses", () => {
  const ids = { name: "input_ids", dtype: "int64", shape: ["batch", "sequence"] } as const;
  const vectors = { name: "x", dtype: "float32", shape: ["batch", 4] } as const;
  /** Inputs as they are; the output is `from` under the name `to`. */
  const model = (inputs: readonly OnnxValue[], from: OnnxValue, to: string): Uint8Array =>
    encodeModel({
      nodes: [{ op: "Identity", inputs: [from.name], outputs: [to] }],
      inputs,
      outputs: [{ ...from, name: to }],
      initializers: [],
    });

  test.each([
    ["pixels", "inputs", model([ids, vectors], vectors, "text_embeds"), /got .*x float32 \[batch, 4\]/],
    ["no ids", "inputs", model([vectors], vectors, "text_embeds"), /expected the inputs input_ids/],
    [
      "float ids",
      "inputs",
      model([{ ...vectors, name: "input_ids" }], { ...vectors, name: "input_ids" }, "text_embeds"),
      /int64 or int32 \[batch, sequence\], got input_ids float32/,
    ],
    [
      "no text_embeds",
      "outputs",
      model([ids], ids, "last_hidden_state"),
      /expected the output text_embeds, .*, got last_hidden_state int64 \[batch, sequence\]/,
    ],
  ] as const)("%s", async (_, code, bytes, message) => {
    await expect(onnxTextModel(ortNode, bytes, cpu)).rejects.toMatchObject({
      name: "OnnxModelError",
      code,
      message: expect.stringMatching(message),
    });
  });

  test("a context that is not the model's", async () => {
    const bytes = summing({ dtype: "int64", shape: ["batch", 8] }, undefined);
    await expect(onnxTextModel(ortNode, bytes, { ...cpu, contextLength: 77 })).rejects.toMatchObject({
      code: "context-length",
      message: "onnxTextModel: model.onnx: expected a context of 8 tokens, got 77",
    });
  });

  test("what is no model, and what is no runtime", async () => {
    await expect(onnxTextModel(ortNode, new Uint8Array(100), cpu)).rejects.toMatchObject({
      name: "BackendError",
    });
    await expect(onnxTextModel({} as OrtModule, "x.onnx")).rejects.toThrow(TypeError);
  });
});
