/** Each op by itself, at sizes that fit no tile, against the reference. */
import { columns, GraphBuilder, tensor } from "@textower/graph";
import type { Graph, Inputs } from "@textower/graph";
import { expectClose, TOLERANCES } from "../compare.js";
import { runOn } from "../case.js";
import type { ConformanceCase } from "../case.js";
import { randomIndices, randomMatrix, randomParents, randomSegments, randomWeights } from "../random.js";

/** Row counts of each op's runs: around every likely tile height. They share one executable. */
const ROWS = [1, 2, 3, 4, 5, 7, 8, 12, 13, 31, 64, 77, 130];
/** Widths: one, odd, around vectors of 4 and 8 and tiles of 16, and real ones. */
const WIDTHS = [1, 3, 7, 8, 20, 33, 64, 100, 256];

interface OpCase {
  readonly name: string;
  readonly graph: Graph;
  readonly weights?: Readonly<Record<string, readonly number[]>>;
  readonly inputs: readonly Inputs[];
}

/** One case per op and width. */
export function opCases(): ConformanceCase[] {
  return [
    ...WIDTHS.flatMap((width) => [gather(width), concat(width), add(width), layerNorm(width)]),
    ...WIDTHS.map((width, i) => linear(width, WIDTHS[(i + 4) % WIDTHS.length]!, i % 2 === 0)),
    linear(512, 96, true),
    linear(64, 192, true),
    linear(256, 512, false),
    ...(["quick", "erf", "tanh"] as const).flatMap((form) => [gelu(form, 33), gelu(form, 64)]),
    mlp(20, 36, "quick"),
    mlp(64, 256, "erf"),
    mlp(64, 256, "quick"),
    mlp(24, 40, "tanh"),
    attention(64, 1),
    attention(128, 2),
    attention(24, 3),
    attention(40, 8),
    attention(144, 2),
    segments(64, 1),
    segments(24, 3),
    prunedAttention(64, 1),
    prunedAttention(24, 3),
  ].map(toCase);
}

function toCase({ name, graph, weights = {}, inputs }: OpCase): ConformanceCase {
  return {
    name: `op: ${name}`,
    run: async (subject) => {
      const source = randomWeights(weights);
      const actual = await runOn(subject, "backend", graph, source, inputs);
      const expected = await runOn(subject, "reference", graph, source, inputs);
      const tolerance = TOLERANCES[subject.precision ?? "float32"];
      expected.forEach((outputs, i) => {
        for (const [output, { shape, data }] of Object.entries(outputs)) {
          const got = actual[i]![output]!;
          if (got.shape.join() !== shape.join()) {
            throw new Error(
              `${name}: expected ${output} [${shape.join(", ")}], got [${got.shape.join(", ")}]`,
            );
          }
          // Single elements of a quantised product have no cosine to speak of: compare the whole matrix as one vector.
          expectClose(`${name}, ${shape[0]} rows`, got.data, data, data.length, tolerance);
        }
      });
    },
  };
}

function gather(width: number): OpCase {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", ["n", width]);
  const y = g.gather(x, g.input("rows", "int32", ["m"]));
  const inputs = ROWS.map((n, i) => {
    const m = ROWS[ROWS.length - 1 - i]!;
    return { x: randomMatrix("x", n, width), rows: tensor("int32", [m], randomIndices("rows", m, n)) };
  });
  return { name: `gather [${width}]`, graph: g.build({ y }), inputs };
}

function concat(width: number): OpCase {
  const g = new GraphBuilder();
  const a = g.input("a", "float32", ["n", width], { mayBeEmpty: true });
  const y = g.concat(a, g.input("b", "float32", ["m", width]), "both");
  const inputs = [0, ...ROWS].map((n, i) => ({
    a: randomMatrix("a", n, width),
    b: randomMatrix("b", ROWS[ROWS.length - 1 - (i % ROWS.length)]!, width),
  }));
  return { name: `concat [${width}]`, graph: g.build({ y }), inputs };
}

function add(width: number): OpCase {
  const g = new GraphBuilder();
  const y = g.add(g.input("a", "float32", ["n", width]), g.input("b", "float32", ["n", width]));
  const inputs = ROWS.map((n) => ({ a: randomMatrix("a", n, width), b: randomMatrix("b", n, width) }));
  return { name: `add [${width}]`, graph: g.build({ y }), inputs };
}

function layerNorm(width: number): OpCase {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", ["n", width]);
  const y = g.layerNorm(x, g.weight("scale", [width]), g.weight("shift", [width]), 1e-5);
  const inputs = ROWS.map((n) => ({ x: randomMatrix("x", n, width, n % 2 ? 3 : 0.01) }));
  return {
    name: `layerNorm [${width}]`,
    graph: g.build({ y }),
    weights: { scale: [width], shift: [width] },
    inputs,
  };
}

function linear(width: number, out: number, bias: boolean): OpCase {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", ["n", width]);
  const weight = g.weight("w", [out, width]);
  const y = bias ? g.linear(x, weight, g.weight("b", [out])) : g.linear(x, weight);
  const inputs = ROWS.map((n) => ({ x: randomMatrix("x", n, width) }));
  return {
    name: `linear ${width} → ${out}`,
    graph: g.build({ y }),
    weights: { w: [out, width], b: [out] },
    inputs,
  };
}

function gelu(form: "quick" | "erf" | "tanh", width: number): OpCase {
  const g = new GraphBuilder();
  const y = g.gelu(g.input("x", "float32", ["n", width]), form);
  // Up to ± 30: both tails, where exponentials overflow or vanish.
  const inputs = ROWS.map((n) => ({ x: randomMatrix("x", n, width, n > 40 ? 30 : 4) }));
  return { name: `gelu ${form} [${width}]`, graph: g.build({ y }), inputs };
}

/** What backends like to fuse: linear, gelu, linear, residual. The middle is an output too in every second case. */
function mlp(width: number, inner: number, form: "quick" | "erf" | "tanh"): OpCase {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", ["n", width]);
  const up = g.linear(x, g.weight("up", [inner, width]), g.weight("upBias", [inner]));
  const active = g.gelu(up, form);
  const y = g.add(x, g.linear(active, g.weight("down", [width, inner]), g.weight("downBias", [width])));
  const weights = { up: [inner, width], upBias: [inner], down: [width, inner], downBias: [width] };
  const inputs = ROWS.map((n) => ({ x: randomMatrix("x", n, width) }));
  const outputs = form === "quick" ? { y, up } : { y };
  return { name: `mlp ${form} ${width} → ${inner} → ${width}`, graph: g.build(outputs), weights, inputs };
}

const CONTEXT = 77;

function attention(width: number, heads: number): OpCase {
  const g = new GraphBuilder();
  const qkv = g.input("qkv", "float32", ["n", 3 * width]);
  const parents = g.input("parents", "int32", ["n"]);
  const part = (i: number) => columns(qkv, i * width, (i + 1) * width);
  const visibility = { kind: "ancestors", parents } as const;
  const operands = { query: part(0), key: part(1), value: part(2) };
  const y = g.attention({ ...operands, heads, contextLength: CONTEXT, visibility });
  const chain = Int32Array.from({ length: CONTEXT }, (_, row) => row - 1);
  const roots = new Int32Array(9).fill(-1);
  const forests = [...ROWS.map((n) => randomParents(`parents${n}`, n, CONTEXT)), chain, roots];
  const inputs = forests.map((forest) => ({
    qkv: randomMatrix("qkv", forest.length, 3 * width),
    parents: tensor("int32", [forest.length], forest),
  }));
  return { name: `attention ${width} in ${heads} heads, ancestors`, graph: g.build({ y }), inputs };
}

function segments(width: number, heads: number): OpCase {
  const g = new GraphBuilder();
  const query = g.input("q", "float32", ["n", width]);
  const key = g.input("k", "float32", ["n", width]);
  const value = g.input("v", "float32", ["n", width]);
  const visibility = { kind: "segments", segments: g.input("segments", "int32", ["n"]) } as const;
  const y = g.attention({ query, key, value, heads, contextLength: CONTEXT, visibility });
  const inputs = ROWS.map((n) => ({
    q: randomMatrix("q", n, width),
    k: randomMatrix("k", n, width),
    v: randomMatrix("v", n, width),
    segments: tensor("int32", [n], n === CONTEXT ? new Int32Array(n) : randomSegments("segments", n, 40)),
  }));
  return { name: `attention ${width} in ${heads} heads, segments`, graph: g.build({ y }), inputs };
}

function prunedAttention(width: number, heads: number): OpCase {
  const g = new GraphBuilder();
  const query = g.input("q", "float32", ["m", width]);
  const kv = g.input("kv", "float32", ["n", 2 * width]);
  const visibility = { kind: "ancestors", parents: g.input("parents", "int32", ["n"]) } as const;
  const y = g.attention({
    query,
    key: columns(kv, 0, width),
    value: columns(kv, width, 2 * width),
    heads,
    contextLength: CONTEXT,
    visibility,
    queryRows: g.input("rows", "int32", ["m"]),
  });
  const inputs = ROWS.map((n, i) => {
    const m = ROWS[(i + 5) % ROWS.length]!;
    return {
      q: randomMatrix("q", m, width),
      kv: randomMatrix("kv", n, 2 * width),
      parents: tensor("int32", [n], randomParents("parents", n, CONTEXT)),
      rows: tensor("int32", [m], randomIndices("rows", m, n)),
    };
  });
  return { name: `attention ${width} in ${heads} heads, some rows`, graph: g.build({ y }), inputs };
}
