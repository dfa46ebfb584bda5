/** The smallest graph that has it all: a product of an input and a weight. For tests of what goes wrong around it. */
import { GraphBuilder, tensor } from "@textower/graph";
import type { Graph, Tensor, WeightSource } from "@textower/graph";

/** y = x [rows, 8] · weightᵀ [outputs, 8]; y is %2. */
export function linearGraph(outputs: number): { graph: Graph; weights: WeightSource } {
  const builder = new GraphBuilder();
  const input = builder.input("x", "float32", ["rows", 8]);
  const graph = builder.build({ y: builder.linear(input, builder.weight("w", [outputs, 8])) });
  const data = Float32Array.from({ length: outputs * 8 }, (_, i) => Math.sin(i));
  return { graph, weights: { read: () => Promise.resolve(tensor("float32", [outputs, 8], data)) } };
}

/** x [3, 8] */
export const x: Tensor = tensor(
  "float32",
  [3, 8],
  Float32Array.from({ length: 24 }, (_, i) => Math.cos(i)),
);
