/**
 * `encodeProgram`: writes the records of a run, with its sizes put in, as `record.ts` lays them out.
 */
import { bindShape } from "@textower/graph";
import type { AttentionStep, Columns, Dimensions, GeluForm, NodeId } from "@textower/graph";
import { panelBytes, panelsOf, quantisedRowBytes, rowBytes } from "./plan.js";
import type { Plan } from "./plan.js";
import {
  ACTIVATION_ERF,
  ACTIVATION_NONE,
  ACTIVATION_QUICK,
  ACTIVATION_TANH,
  OP_ATTENTION,
  OP_CONCAT,
  OP_ELEMENTWISE,
  OP_GATHER,
  OP_LAYER_NORM,
  OP_LINEAR,
  OP_LINEAR_FLOAT16,
  OP_LINEAR_INT8,
  OP_PACK,
  OP_QUANTISE,
  PANELS_PER_GROUP,
  RECORD_BYTES,
  RECORD_OPERANDS,
  VISIBILITY_ANCESTORS,
  VISIBILITY_SEGMENTS,
} from "./record.js";
import type { LinearStep, Step } from "./steps.js";

const ACTIVATIONS: Record<GeluForm, number> = {
  quick: ACTIVATION_QUICK,
  erf: ACTIVATION_ERF,
  tanh: ACTIVATION_TANH,
};
const LINEAR_OPS = { float32: OP_LINEAR, float16: OP_LINEAR_FLOAT16, int8: OP_LINEAR_INT8 } as const;
/** Rows of one unit of a linear where rows are split: whole tiles. */
const ROWS_IN_PART = 30;
/**
 * Chunks of work per thread and step. Threads are not equally fast where processors are shared, and all wait for the last
 * chunk of a step: with 32 instead of 4, two threads were 7 % faster on a busy machine. Taking one costs some 100 ns.
 */
const CHUNKS_PER_THREAD = 32;

interface Encoded {
  readonly op: number;
  readonly units: number;
  readonly operands: readonly number[];
}

/**
 * Writes one record per step.
 * @param memory - the executable's memory
 * @param threads - how many will share the work
 */
export function encodeProgram(
  plan: Plan,
  dimensions: Dimensions,
  memory: ArrayBufferLike,
  threads: number,
): void {
  const words = new Uint32Array(memory, plan.program, (plan.lowered.steps.length * RECORD_BYTES) / 4);
  const encoder = new Encoder(plan, dimensions, threads);
  plan.lowered.steps.forEach((step, index) => {
    const { op, units, operands } = encoder.encode(step);
    const at = (index * RECORD_BYTES) / 4;
    words.fill(0, at, at + RECORD_BYTES / 4);
    words[at] = op;
    words[at + 1] = units;
    words[at + 2] = Math.max(1, Math.floor(units / (threads * CHUNKS_PER_THREAD)));
    words.set(operands, at + RECORD_OPERANDS / 4);
  });
}

class Encoder {
  constructor(
    readonly plan: Plan,
    readonly dimensions: Dimensions,
    readonly threads: number,
  ) {}

  encode(step: Step): Encoded {
    switch (step.op) {
      case "linear":
        return this.linear(step);
      case "elementwise": {
        const [rows, columns, stride] = this.shape(step.y);
        const activation = step.activation === undefined ? ACTIVATION_NONE : ACTIVATIONS[step.activation];
        const residual = step.residual === undefined ? 0 : this.address(step.residual);
        const operands = [columns, this.address(step.x), stride, activation, residual, stride];
        return {
          op: OP_ELEMENTWISE,
          units: rows,
          operands: [...operands, this.address(step.y), stride],
        };
      }
      case "layerNorm": {
        const [rows, columns, stride] = this.shape(step.y);
        const parameters = [this.address(step.weight), this.address(step.bias), floatBits(step.epsilon)];
        const operands = [columns, this.address(step.x), stride, ...parameters, this.address(step.y), stride];
        return { op: OP_LAYER_NORM, units: rows, operands };
      }
      case "gather": {
        const [rows, columns, stride] = this.shape(step.y);
        const addend = step.addend === undefined ? 0 : this.address(step.addend);
        const from = [this.address(step.rows), this.address(step.x), stride, addend, stride];
        return { op: OP_GATHER, units: rows, operands: [columns, ...from, this.address(step.y), stride] };
      }
      case "concat": {
        const [rows, , stride] = this.shape(step.y);
        const [first] = this.shape(step.a);
        const operands = [first, stride, this.address(step.a), this.address(step.b), this.address(step.y)];
        return { op: OP_CONCAT, units: rows, operands };
      }
      case "attention":
        return this.attention(step);
      case "pack": {
        const [rows, columns, stride] = this.shape(step.x);
        const operands = [rows, columns, this.address(step.x), stride, this.address(step.y)];
        return { op: OP_PACK, units: panelsOf(rows), operands };
      }
      case "quantise": {
        const [rows, columns, stride] = this.shape(step.x);
        const to = [this.address(step.y), quantisedRowBytes(columns)];
        return { op: OP_QUANTISE, units: rows, operands: [columns, this.address(step.x), stride, ...to] };
      }
      default:
        return step satisfies never;
    }
  }

  private linear(step: LinearStep): Encoded {
    const [rows, inputs, xStride] = this.shape(step.x);
    const [, outputs, stride] = this.shape(step.y);
    const panels = panelsOf(outputs);
    const groups = Math.ceil(panels / PANELS_PER_GROUP);
    // By columns where they go round; few columns and many rows are split by rows as well.
    const split = this.threads > 1 && groups < this.threads * CHUNKS_PER_THREAD && rows > 2 * ROWS_IN_PART;
    const rowsInPart = split ? ROWS_IN_PART : rows;
    const parts = Math.ceil(rows / rowsInPart);

    const weight = step.packed === undefined ? this.plan.packed.get(step.weight)! : undefined;
    const precision = weight?.precision ?? "float32";
    const quantised = step.quantised !== undefined;
    const x = [
      this.address(step.quantised ?? step.x),
      quantised ? quantisedRowBytes(inputs) : xStride,
      weight?.address ?? this.address(step.packed!),
    ];
    const bias = step.bias === undefined ? this.plan.zeros : this.address(step.bias);
    const activation = step.activation === undefined ? ACTIVATION_NONE : ACTIVATIONS[step.activation];
    const residual = step.residual === undefined ? 0 : this.address(step.residual);
    const rest = [bias, activation, residual, stride, this.address(step.y), stride];
    return {
      op: LINEAR_OPS[precision],
      units: groups * parts,
      operands: [
        ...[rows, rowsInPart, parts, inputs, panels],
        ...x,
        ...rest,
        ...[weight?.scales ?? 0, panelBytes(inputs, precision), 2 * this.plan.listBytes],
      ],
    };
  }

  private attention({ node, y }: AttentionStep): Encoded {
    const [rows, columns, yStride] = this.shape(y);
    const [keys] = this.shape(node.key.node);
    const { visibility } = node;
    const structure =
      visibility.kind === "ancestors"
        ? [VISIBILITY_ANCESTORS, this.address(visibility.parents)]
        : [VISIBILITY_SEGMENTS, this.address(visibility.segments)];
    const view = ({ node: id, begin }: Columns): number[] => [
      this.address(id) + begin * 4,
      this.shape(id)[2],
    ];
    return {
      op: OP_ATTENTION,
      units: rows * node.heads,
      operands: [
        ...[keys, node.heads, columns / node.heads],
        ...view(node.query),
        ...view(node.key),
        ...view(node.value),
        ...structure,
        node.queryRows === undefined ? 0 : this.address(node.queryRows),
        ...[this.address(y), yStride, this.plan.listBytes],
      ],
    };
  }

  /** Rows, columns and bytes of a row of a node in this run. */
  private shape(id: NodeId): [number, number, number] {
    const [rows, columns] = bindShape(this.plan.graph.types[id]!.shape, this.dimensions);
    return columns === undefined ? [1, rows!, rowBytes(rows!)] : [rows!, columns, rowBytes(columns)];
  }

  private address(id: number): number {
    return this.plan.addresses.get(id)!;
  }
}

/** The bits of a float32, as the records hold them. */
function floatBits(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0]!;
}
