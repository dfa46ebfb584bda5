/**
 * `checkDevice`: runs one small block of a tower, with the widths of a graph, on a device, and compares it with
 * plain loops. Some drivers return wrong numbers without an error; this finds out before anybody relies on them.
 */
import { columns, GraphBuilder, BackendError, tensor } from "@textower/graph";
import type {
  AttentionNode,
  CompileOptions,
  Executable,
  GeluNode,
  Graph,
  Inputs,
  Tensor,
  WeightSource,
} from "@textower/graph";
import type { Target } from "./lower.js";
import { tileRows } from "./tiles.js";

/** Prompts of 3 and 2 tokens that begin alike; repeated to fill a run. */
const PARENTS = [-1, 0, 1, 0, 3];
/** Largest difference relative to the largest element: what is allowed in float32 between backends. */
const TOLERANCE = 2e-5;

/** Makes an executable on the device under test. */
type Make = (graph: Graph, weights: WeightSource, options: CompileOptions) => Promise<Executable>;

/** Rejects with BackendError that says what differs. Graphs without attention are not checked. */
export async function checkDevice(
  graph: Graph,
  options: CompileOptions,
  target: Target,
  make: Make,
): Promise<void> {
  const attention = graph.nodes.find((node): node is AttentionNode => node.op === "attention");
  if (attention === undefined) return;
  const gelu = graph.nodes.find((node): node is GeluNode => node.op === "gelu");
  const width = attention.query.end - attention.query.begin;
  const { graph: block, weights } = makeBlock(
    width,
    attention.heads,
    gelu?.form ?? "quick",
    hiddenOf(graph, gelu) ?? width,
  );
  const { reference } = await import("@textower/backend-reference");
  const expected = await runOnce(await reference().compile(block, weights), inputsOf(width, 5), "y");

  const { precision = "float32", signal } = options;
  const executable = await make(block, weights, {
    precision,
    maxRows: 128,
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    for (const rows of tileRows(target.plain, 64)) {
      signal?.throwIfAborted();
      const { y } = await executable.run(inputsOf(width, rows));
      compare(y!.data as Float32Array, expected, executable.info.device, rows);
    }
  } finally {
    await executable.dispose();
  }
}

function hiddenOf(graph: Graph, gelu: GeluNode | undefined): number | undefined {
  return gelu === undefined ? undefined : Number(graph.types[gelu.x]!.shape[1]);
}

async function runOnce(executable: Executable, inputs: Inputs, output: string): Promise<Float32Array> {
  const outputs = await executable.run(inputs);
  await executable.dispose();
  return outputs[output]!.data as Float32Array;
}

/** `rows` rows, of which each five are the same prompts. */
function inputsOf(width: number, rows: number): Inputs {
  const parents = Int32Array.from({ length: rows }, (_, row) => {
    const parent = PARENTS[row % 5]!;
    return parent < 0 ? -1 : parent + row - (row % 5);
  });
  const x = Float32Array.from({ length: rows * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width) % 5, i % width];
    return Math.sin(1 + row * 12.9898 + column * 0.7);
  });
  return { x: tensor("float32", [rows, width], x), parents: tensor("int32", [rows], parents) };
}

function compare(got: Float32Array, expected: Float32Array, device: string, rows: number): void {
  let largest = 0;
  for (const value of expected) largest = Math.max(largest, Math.abs(value));
  for (let i = 0; i < got.length; i++) {
    const difference = Math.abs(got[i]! - expected[i % expected.length]!);
    if (difference <= TOLERANCE * largest) continue;
    throw new BackendError(
      `webgpu: expected ${device} to compute a block of ${rows} rows right, ` +
        `got ${got[i]} instead of ${expected[i % expected.length]} at element ${i}`,
    );
  }
}

/** Weights are multiples of powers of two that every precision holds exactly, so one tolerance does for all. */
function makeBlock(
  width: number,
  heads: number,
  form: GeluNode["form"],
  hidden: number,
): { graph: Graph; weights: WeightSource } {
  const builder = new GraphBuilder();
  const x = builder.input("x", "float32", ["rows", width]);
  const parents = builder.input("parents", "int32", ["rows"]);
  const weight = (name: string, shape: number[]) => builder.weight(name, shape);
  const linear = (from: typeof x, name: string, outputs: number, inputs: number) =>
    builder.linear(from, weight(`${name}.weight`, [outputs, inputs]), weight(`${name}.bias`, [outputs]));
  const norm = (from: typeof x, name: string) =>
    builder.layerNorm(from, weight(`${name}.weight`, [width]), weight(`${name}.bias`, [width]), 1e-5);
  const projected = linear(norm(x, "first"), "projection", 3 * width, width);
  const attended = builder.attention({
    query: columns(projected, 0, width),
    key: columns(projected, width, 2 * width),
    value: columns(projected, 2 * width, 3 * width),
    heads,
    visibility: { kind: "ancestors", parents },
    contextLength: 5,
  });
  const after = builder.add(x, linear(attended, "out", width, width));
  const inner = builder.gelu(linear(norm(after, "second"), "up", hidden, width), form);
  const graph = builder.build({ y: builder.add(after, linear(inner, "down", width, hidden)) });

  const read = (name: string): Tensor => {
    const node = graph.nodes.find((each) => each.op === "weight" && each.source === name);
    if (node?.op !== "weight") throw new BackendError(`webgpu: expected a weight of the block, got ${name}`);
    const { shape } = node;
    const count = shape.reduce((product, size) => product * size, 1);
    let state = name.length * 7919 + count;
    const next = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state >>> 24) - 128;
    };
    if (shape.length === 2) {
      const scale = 2 ** -Math.ceil(7 + Math.log2(shape[1]!) / 2);
      const data = Int8Array.from({ length: count }, () => Math.max(next(), -127));
      return { dtype: "int8", shape, data, scales: new Float32Array(shape[0]!).fill(scale) };
    }
    return tensor(
      "float32",
      shape,
      Float32Array.from({ length: count }, () => next() / 64),
    );
  };
  return { graph, weights: { read: (name) => Promise.resolve(read(name)) } };
}
