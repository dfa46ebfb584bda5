import { describe, expect, test } from "vitest";
import { columns, GraphBuilder, GraphError, printGraph, verify } from "../src/index.js";
import type { Graph, Node } from "../src/index.js";

function small(): Graph {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", ["rows", 4]);
  const parents = g.input("parents", "int32", ["rows"]);
  const some = g.input("some", "int32", ["some"]);
  const normed = g.layerNorm(x, g.weight("scale", [4]), g.weight("shift", [4]), 1e-5);
  const qkv = g.linear(normed, g.weight("w", [12, 4]), g.weight("b", [12]));
  const part = (i: number) => columns(qkv, 4 * i, 4 * i + 4);
  const visibility = { kind: "ancestors", parents } as const;
  const mixed = g.attention({
    query: part(0),
    key: part(1),
    value: part(2),
    heads: 2,
    contextLength: 77,
    visibility,
  });
  const y = g.gelu(g.add(x, mixed), "quick");
  return g.build({ y: g.gather(y, some), all: y });
}

test("prints as text, node by node", () => {
  expect(printGraph(small())).toBe(
    [
      '%0 = input("x", float32)  # [rows, 4]',
      '%1 = input("parents", int32)  # [rows]',
      '%2 = input("some", int32)  # [some]',
      '%3 = weight("scale")  # [4]',
      '%4 = weight("shift")  # [4]',
      "%5 = layerNorm(%0, %3, %4, epsilon 0.00001)  # [rows, 4]",
      '%6 = weight("w")  # [12, 4]',
      '%7 = weight("b")  # [12]',
      "%8 = linear(%5, %6, %7)  # [rows, 12]",
      "%9 = attention(%8[0:4], %8[4:8], %8[8:12], heads 2, ancestors %1, contextLength 77)  # [rows, 4]",
      "%10 = add(%0, %9)  # [rows, 4]",
      "%11 = gelu(%10, quick)  # [rows, 4]",
      "%12 = gather(%11, %2)  # [some, 4]",
      "output y = %12",
      "output all = %11",
      "",
    ].join("\n"),
  );
});

test("asking twice for a weight gives one node; another range gives another", () => {
  const g = new GraphBuilder();
  const whole = g.weight("w", [6, 2]);
  expect(g.weight("w", [6, 2])).toBe(whole);
  expect(g.weight("w", [2, 2], { begin: 2, end: 4 })).not.toBe(whole);
});

describe("the builder refuses", () => {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", ["rows", 4]);
  const other = g.input("other", "float32", ["others", 4]);
  const rows = g.input("rows", "int32", ["rows"]);
  const vector = g.weight("v", [4]);
  const matrix = g.weight("m", [8, 4]);
  const visibility = { kind: "ancestors", parents: rows } as const;
  const attention = { query: x, key: x, value: x, heads: 2, contextLength: 77, visibility };
  const cases: Record<string, [() => unknown, string]> = {
    "an input name twice": [
      () => g.input("x", "float32", ["n", 4]),
      "input: expected a name that is free, got x again",
    ],
    "a batch axis": [() => g.input("b", "float32", ["batch", "rows", 4]), "expected 2 dimension(s)"],
    "adding different rows": [() => g.add(x, other), "add: expected b [rows, 4], got [others, 4]"],
    "a weight of another width": [
      () => g.linear(x, g.weight("n", [8, 5])),
      "linear: expected weight [out, 4] for x [rows, 4], got [8, 5]",
    ],
    "a bias of another length": [() => g.linear(x, matrix, vector), "linear: expected bias [8], got [4]"],
    "a norm of another width": [
      () => g.layerNorm(x, g.weight("u", [5]), vector, 1e-5),
      "expected weight [4], got [5]",
    ],
    "an epsilon of zero": [() => g.layerNorm(x, vector, vector, 0), "expected 0 < epsilon < 1, got 0"],
    "float row numbers": [() => g.gather(x, other), "gather: expected rows int32 [m], got float32"],
    "an unknown activation": [
      () => g.gelu(x, "relu" as never),
      "gelu: expected form quick, erf or tanh, got relu",
    ],
    "heads that do not divide": [
      () => g.attention({ ...attention, heads: 3 }),
      "expected heads that divide 4, got 3",
    ],
    "keys and values that differ": [
      () => g.attention({ ...attention, value: other }),
      "expected key and value [n, 4]",
    ],
    "columns outside": [
      () => g.attention({ ...attention, query: columns(x, 2, 6) }),
      "expected query columns within 0…4",
    ],
    "queries elsewhere without rows": [
      () => g.attention({ ...attention, query: other }),
      "attention: expected query [others]",
    ],
    "a range of the wrong size": [
      () => g.weight("w", [3, 4], { begin: 0, end: 4 }),
      "expected a range of 3 rows",
    ],
    "a value of another builder": [
      () => new GraphBuilder().gelu(x, "erf"),
      "expected a value of this builder",
    ],
    "no outputs": [() => g.build({}), "build: expected at least one output"],
    "an int32 output": [() => g.build({ rows }), "expected output rows in float32, got int32"],
  };
  for (const [name, [action, message]] of Object.entries(cases)) {
    test(name, () => {
      expect(action).toThrow(GraphError);
      expect(action).toThrow(message);
    });
  }
});

describe("verify names the first bad node", () => {
  const good = small();
  const replace = (id: number, change: Partial<Node>): Graph => ({
    ...good,
    nodes: good.nodes.map((node, i) => (i === id ? ({ ...node, ...change } as Node) : node)),
  });
  test("accepts what the builder made", () => verify(good));
  const bad: Record<string, [Graph, string]> = {
    "an operand that comes later": [
      replace(8, { x: 11 } as Partial<Node>),
      "node 8 (linear): linear: expected x to be one of",
    ],
    "an unknown op": [
      replace(11, { op: "relu" } as never),
      "node 11 (relu): graph: expected a known op, got relu",
    ],
    "a recorded type that is wrong": [
      { ...good, types: good.types.map((type, id) => (id === 5 ? { ...type, shape: ["rows", 5] } : type)) },
      "node 5 (layerNorm): expected type float32 [rows, 4], got float32 [rows, 5]",
    ],
    "an input name twice": [replace(2, { name: "parents", shape: ["rows"] } as never), "node 2 (input)"],
    "an output that is not there": [
      { ...good, outputs: { y: 99 } },
      "output y: expected a float32 node, got node 99 of 13",
    ],
    "no outputs": [{ ...good, outputs: {} }, "outputs: expected at least one"],
  };
  for (const [name, [graph, message]] of Object.entries(bad)) {
    test(name, () => {
      expect(() => verify(graph)).toThrow(GraphError);
      expect(() => verify(graph)).toThrow(message);
    });
  }
});
