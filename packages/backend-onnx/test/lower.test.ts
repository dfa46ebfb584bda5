import { GraphBuilder } from "@textower/graph";
import { buildTextEncoder } from "@textower/model";
import { describe, expect, test } from "vitest";
import { lowerGraph } from "../src/lower.js";

const descriptor = {
  width: 16,
  layers: 2,
  heads: 2,
  mlpWidth: 32,
  embedDim: 8,
  contextLength: 10,
  vocabSize: 50,
  activation: "quick_gelu",
  attention: "causal",
  layerNormEpsilon: 1e-5,
} as const;

describe("lowerGraph", () => {
  test("one mask for all rows and one for pooled rows, whatever the number of layers", () => {
    const { masks, inputs } = lowerGraph(buildTextEncoder(descriptor), "initializer");
    expect(masks).toMatchObject([
      { kind: "ancestors", rows: "parents", shape: ["rows", "rows"] },
      { kind: "ancestors", rows: "parents", queryRows: "pooled", shape: ["prompts", "rows"] },
    ]);
    expect(inputs).toEqual(["tokens", "positions", "pooled"]); // parents are in the masks only
  });

  test("weights are initializers or inputs, in the order of the graph", () => {
    const graph = buildTextEncoder(descriptor);
    const wanted = graph.nodes.filter((node) => node.op === "weight");
    const packed = lowerGraph(graph, "initializer");
    const shared = lowerGraph(graph, "input");
    expect(packed.weights.map(({ node }) => node)).toEqual(wanted);
    const names = packed.weights.map(({ name }) => name);
    const external = packed.onnx.initializers.filter(({ contents }) => !(contents instanceof Uint8Array));
    expect(external.map(({ name }) => name)).toEqual(names);
    expect(shared.onnx.inputs.slice(-names.length).map(({ name }) => name)).toEqual(names);
    expect(shared.onnx.initializers.every(({ contents }) => contents instanceof Uint8Array)).toBe(true);
  });

  test("names never meet", () => {
    const g = new GraphBuilder();
    const x = g.input("add_2", "float32", ["rows", 4]);
    const y = g.input("y", "float32", ["rows", 4]);
    const sum = g.add(x, y);
    const twice = g.add(sum, sum);
    const lowered = lowerGraph(g.build({ y: twice, again: twice, x, add_3: sum }), "initializer");
    const made = lowered.onnx.nodes.flatMap(({ outputs }) => outputs);
    const all = [...made, ...lowered.onnx.inputs.map(({ name }) => name)];
    expect(new Set(all).size).toBe(all.length);
    expect(lowered.inputs).toEqual(["add_2", "y"]);
    expect(lowered.outputs).toEqual({ y: "y_2", again: "again", x: "x", add_3: "add_3" });
    for (const name of Object.values(lowered.outputs)) expect(made).toContain(name);
  });
});
