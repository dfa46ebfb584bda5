/** What `Backend` and `Executable` promise beyond numbers: order, ownership, errors, disposal. */
import { columns, GraphBuilder, tensor } from "@textower/graph";
import type { Executable, Graph, Inputs, WeightSource } from "@textower/graph";
import { expectRejection } from "../case.js";
import type { ConformanceCase, Subject } from "../case.js";
import { randomMatrix, randomWeights } from "../random.js";

const WIDTH = 16;
const SHAPES = { w: [WIDTH, WIDTH], b: [WIDTH] };

/** One case per promise. */
export function contractCases(): ConformanceCase[] {
  return [
    live("says what it runs on", (executable, subject) => {
      const { info } = executable;
      const precision = subject.precision ?? "float32";
      const right =
        info.backend === subject.backend.name && info.precision === precision && info.threads >= 1;
      if (!right || info.device === "")
        throw new Error(`info: expected its own name and ${precision}, got ${JSON.stringify(info)}`);
      return Promise.resolve();
    }),
    live("outputs belong to the caller, inputs stay as they are", async (executable) => {
      const given = inputs(3);
      const before = Float32Array.from(given["x"]!.data);
      const first = (await executable.run(given))["y"]!.data;
      const kept = Float32Array.from(first);
      first.fill(7);
      const second = (await executable.run(given))["y"]!.data;
      await executable.run(inputs(5));
      expectEqual("a second run", second, kept);
      expectEqual("the input", given["x"]!.data, before);
    }),
    live("runs called at once take place in order", async (executable) => {
      const sizes = [1, 9, 2, 30, 4];
      const alone: ArrayLike<number>[] = [];
      for (const size of sizes) alone.push((await executable.run(inputs(size)))["y"]!.data);
      const together = await Promise.all(sizes.map((size) => executable.run(inputs(size))));
      together.forEach((result, i) => expectEqual(`run ${i}`, result["y"]!.data, alone[i]!));
    }),
    live("refuses inputs that do not fit", async (executable) => {
      const good = inputs(3);
      const wrong: Record<string, Inputs> = {
        "a missing input": { x: good["x"]! },
        "an unknown input": { ...good, more: good["x"]! },
        "another dtype": { ...good, x: tensor("int32", [3], new Int32Array(3)) },
        "another width": { ...good, x: randomMatrix("x", 3, WIDTH + 1) },
        "no rows": { x: randomMatrix("x", 0, WIDTH), parents: tensor("int32", [0], new Int32Array(0)) },
        "two sizes for one dimension": { ...good, parents: inputs(4)["parents"]! },
        "a parent that comes later": { ...good, parents: tensor("int32", [3], Int32Array.of(-1, 2, 0)) },
        "a parent that is itself": { ...good, parents: tensor("int32", [3], Int32Array.of(-1, 1, 0)) },
        "a parent below -1": { ...good, parents: tensor("int32", [3], Int32Array.of(-2, 0, 0)) },
        "a prompt longer than the context": inputs(41),
      };
      for (const [what, each] of Object.entries(wrong)) {
        await expectRejection(what, "InputError", () => executable.run(each));
      }
      await executable.run(good);
    }),
    live("a run after dispose is refused; dispose twice is harmless", async (executable) => {
      const running = executable.run(inputs(3));
      await executable.dispose();
      await running.catch((error: unknown) => {
        if (!(error instanceof Error) || error.name !== "DisposedError") throw error;
      });
      await expectRejection("run after dispose", "DisposedError", () => executable.run(inputs(3)));
      await executable.dispose();
    }),
    live("an aborted run rejects with the signal's reason", async (executable) => {
      const options = { signal: AbortSignal.abort(new RangeError("stop")) };
      await expectRejection("aborted run", "RangeError", () => executable.run(inputs(3), options));
      await executable.run(inputs(3));
    }),
    fresh("refuses more rows than maxRows", async (subject) => {
      const executable = await subject.backend.compile(graph(), randomWeights(SHAPES), {
        ...precision(subject),
        maxRows: 8,
      });
      try {
        await executable.run(inputs(8));
        await expectRejection("9 rows", "InputError", () => executable.run(inputs(9)));
      } finally {
        await executable.dispose();
      }
    }),
    fresh("two executables at once do not meet", async (subject) => {
      const compile = () => subject.backend.compile(graph(), randomWeights(SHAPES), precision(subject));
      const [a, b] = await Promise.all([compile(), compile()]);
      const alone = (await a.run(inputs(6)))["y"]!.data;
      const [again, other] = await Promise.all([a.run(inputs(6)), b.run(inputs(6))]);
      expectEqual("the same run", again["y"]!.data, alone);
      expectEqual("the other executable", other["y"]!.data, alone);
      await a.dispose();
      expectEqual("the other, after dispose", (await b.run(inputs(6)))["y"]!.data, alone);
      await b.dispose();
    }),
    fresh("a compile that is aborted or cannot read rejects", async (subject) => {
      const options = { ...precision(subject), signal: AbortSignal.abort(new RangeError("stop")) };
      await expectRejection("aborted compile", "RangeError", () =>
        subject.backend.compile(graph(), randomWeights(SHAPES), options),
      );
      const broken: WeightSource = { read: () => Promise.reject(new SyntaxError("no such tensor")) };
      await expectRejection("source that rejects", "SyntaxError", () =>
        subject.backend.compile(graph(), broken, precision(subject)),
      );
    }),
    fresh("refuses a graph that breaks the rules", async (subject) => {
      const good = graph();
      const nodes = good.nodes.map((node) => (node.op === "attention" ? { ...node, heads: 3 } : node));
      await expectRejection("3 heads for a width of 16", "GraphError", () =>
        subject.backend.compile({ ...good, nodes }, randomWeights(SHAPES), precision(subject)),
      );
    }),
    fresh("reports progress, and reads each weight once, in order", async (subject) => {
      const source = randomWeights(SHAPES);
      const asked: string[] = [];
      const steps: number[] = [];
      const weights: WeightSource = { read: (name, rows) => (asked.push(name), source.read(name, rows)) };
      const executable = await subject.backend.compile(graph(), weights, {
        ...precision(subject),
        onProgress: ({ loaded, total }) => steps.push(loaded / total),
      });
      await executable.dispose();
      if (asked.join() !== "w,b" || steps.join() !== "0.5,1") {
        throw new Error(`expected weights w,b and progress 0.5,1, got ${asked.join()} and ${steps.join()}`);
      }
    }),
  ];
}

function precision(subject: Subject): { precision: "float32" | "float16" | "int8" } {
  return { precision: subject.precision ?? "float32" };
}

function fresh(name: string, run: ConformanceCase["run"]): ConformanceCase {
  return { name: `contract: ${name}`, run };
}

/** A case on an executable that is compiled before and disposed of after. */
function live(
  name: string,
  run: (executable: Executable, subject: Subject) => Promise<void>,
): ConformanceCase {
  return fresh(name, async (subject) => {
    const executable = await subject.backend.compile(graph(), randomWeights(SHAPES), precision(subject));
    try {
      await run(executable, subject);
      subject.checkSentinels?.(executable);
    } finally {
      await executable.dispose();
    }
  });
}

/** A linear and an attention: small, but every kind of input is in it. */
function graph(): Graph {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", ["rows", WIDTH]);
  const parents = g.input("parents", "int32", ["rows"]);
  const y = g.linear(x, g.weight("w", [WIDTH, WIDTH]), g.weight("b", [WIDTH]));
  const all = columns(y, 0, WIDTH);
  const operands = { query: all, key: all, value: all, heads: 2, contextLength: 40 };
  return g.build({ y: g.attention({ ...operands, visibility: { kind: "ancestors", parents } }) });
}

/** One chain of rows. */
function inputs(rows: number): Inputs {
  const parents = Int32Array.from({ length: rows }, (_, row) => row - 1);
  return { x: randomMatrix("x", rows, WIDTH), parents: tensor("int32", [rows], parents) };
}

function expectEqual(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  for (let i = 0; i < expected.length; i++) {
    if (actual[i] !== expected[i])
      throw new Error(`${what}: expected ${expected[i]} at ${i}, got ${actual[i]}`);
  }
}
