/**
 * `lower`: the steps of a plan as kernels with their bindings. Made once; a run only asks each for its shader and grid,
 * which depend on nothing but row counts.
 */
import type { AttentionStep, Columns, LinearStep, NodeId, Step } from "@textower/graph";
import { attentionShader } from "./kernels/attention.js";
import { linearGrid, linearShader } from "./kernels/linear.js";
import type { LinearShape } from "./kernels/linear.js";
import {
  concatShader,
  elementwiseShader,
  gatherShader,
  layerNormShader,
  rowGrid,
  transposeShader,
} from "./kernels/rows.js";
import { elementGrid, MOST_WORKGROUPS, quads } from "./kernels/shader.js";
import type { Size } from "./kernels/shader.js";
import type { LoadedWeights } from "./load.js";
import { columnsOf, rowsOf, sightOf } from "./plan.js";
import type { Plan } from "./plan.js";
import { linearTile } from "./tiles.js";

/** One dispatch. */
export interface Kernel {
  /** Says which node it computes. */
  readonly label: string;
  readonly reads: readonly GPUBuffer[];
  readonly writes: GPUBuffer;
  /** Rows that it handles, by which its shader is chosen. */
  readonly rows: Size;
  /** Shaders and grids that it may use, by number of rows; equal texts are one pipeline. */
  readonly shader: (rows: number) => string;
  readonly grid: (rows: number) => readonly [number, number, number?];
  /** Which of several ways it takes, in words. */
  readonly variant: (rows: number) => string;
}

/** What the kernels read and write beside weights. */
export interface Memory {
  readonly upload: GPUBuffer;
  readonly slots: readonly GPUBuffer[];
}

/** What of the device the kernels use. */
export interface Target {
  readonly plain: boolean;
  readonly halves: boolean;
  readonly subgroups: boolean;
}

/** See the file's head. */
export function lower(plan: Plan, memory: Memory, weights: LoadedWeights, target: Target): Kernel[] {
  const lowering = new Lowering(plan, memory, weights, target);
  return plan.steps.flatMap((step) => lowering.kernels(step));
}

const ZERO: Size = { literal: 0 };
const oneWay = (): string => "";

class Lowering {
  constructor(
    readonly plan: Plan,
    readonly memory: Memory,
    readonly weights: LoadedWeights,
    readonly target: Target,
  ) {}

  kernels(step: Step): Kernel[] {
    const { plan } = this;
    const { words } = plan;
    const label = `${step.op} %${step.y}`;
    const writes = this.buffer(step.y);
    const rows = rowsOf(plan, step.y);
    const columns = columnsOf(plan.graph, step.y);
    const perElement = (count: number): [number, number] => elementGrid(count * quads(columns));
    switch (step.op) {
      case "linear":
        return this.linear(step, label);
      case "attention":
        return [this.attention(step, label)];
      case "gather": {
        const { addend } = step;
        const code = gatherShader({
          words,
          rows,
          columns,
          x: this.base(step.x),
          list: this.base(step.rows),
          addend: addend === undefined ? undefined : this.base(addend),
        });
        const reads = [step.x, step.rows, addend]
          .filter((id) => id !== undefined)
          .map((id) => this.buffer(id));
        return [{ label, reads, writes, rows, shader: () => code, grid: perElement, variant: oneWay }];
      }
      case "concat": {
        const [a, b] = [this.base(step.a), this.base(step.b)];
        const code = concatShader({ words, rows, first: rowsOf(plan, step.a), columns, a, b });
        const reads = [this.buffer(step.a), this.buffer(step.b)];
        return [{ label, reads, writes, rows, shader: () => code, grid: perElement, variant: oneWay }];
      }
      case "elementwise": {
        const { activation, residual } = step;
        const code = elementwiseShader({
          words,
          rows,
          columns,
          x: this.base(step.x),
          activation,
          residual: residual === undefined ? undefined : this.base(residual),
        });
        const reads = [step.x, residual].filter((id) => id !== undefined).map((id) => this.buffer(id));
        return [{ label, reads, writes, rows, shader: () => code, grid: perElement, variant: oneWay }];
      }
      case "layerNorm": {
        const kind = this.target.plain ? "plain" : "cooperative";
        const { subgroups } = this.target;
        const { epsilon } = step;
        const code = layerNormShader({
          words,
          rows,
          columns,
          x: this.base(step.x),
          epsilon,
          kind,
          subgroups,
        });
        const reads = [step.x, step.weight, step.bias].map((id) => this.buffer(id));
        const grid = kind === "plain" ? elementGrid : rowGrid;
        return [{ label, reads, writes, rows, shader: () => code, grid, variant: () => kind }];
      }
      default:
        return step satisfies never;
    }
  }

  private linear(step: LinearStep, label: string): Kernel[] {
    const { plan, target } = this;
    const rows = rowsOf(plan, step.y);
    const outputs = columnsOf(plan.graph, step.y);
    const inputs = columnsOf(plan.graph, step.x);
    const computed = plan.transposed.get(step);
    const kernels: Kernel[] = [];
    let parts = this.weights.packed.get(step.weight) ?? [];
    if (computed !== undefined) {
      const weight = this.memory.slots[computed]!;
      kernels.push(this.transpose(step.weight, weight));
      parts = [{ begin: 0, end: outputs, weight, scales: undefined, precision: "float32" }];
    }
    const more = [step.bias, step.residual].filter((id) => id !== undefined).map((id) => this.buffer(id));
    for (const { begin, end, weight, scales, precision } of parts) {
      const shape: LinearShape = {
        words: plan.words,
        rows,
        inputs,
        outputs,
        part: { begin, end },
        precision,
        halves: target.halves,
        x: this.base(step.x),
        bias: step.bias !== undefined,
        activation: step.activation,
        residual: step.residual === undefined ? undefined : this.base(step.residual),
      };
      const shaders = new Map<string, string>();
      kernels.push({
        label,
        reads: [this.buffer(step.x), weight, ...(scales === undefined ? [] : [scales]), ...more],
        writes: this.buffer(step.y),
        rows,
        shader: (count) => {
          const tile = linearTile(target.plain, count, end - begin);
          const key = `${tile.kind} ${tile.rows}`;
          const known = shaders.get(key) ?? linearShader(tile, shape);
          shaders.set(key, known);
          return known;
        },
        grid: (count) => linearGrid(linearTile(target.plain, count, end - begin), shape, count),
        variant: (count) => {
          const tile = linearTile(target.plain, count, end - begin);
          return `${tile.kind} ${tile.rows}${tile.kind === "tiled" ? ` × ${tile.outputs}` : ""}, ${precision}`;
        },
      });
    }
    return kernels;
  }

  private transpose(id: NodeId, writes: GPUBuffer): Kernel {
    const { plan } = this;
    const rows = rowsOf(plan, id);
    const columns = columnsOf(plan.graph, id);
    const capacity = "literal" in rows ? rows.literal : plan.maxRows;
    const code = transposeShader({ words: plan.words, rows, columns, x: this.base(id), capacity });
    const grid = elementGrid(quads(columns) * 4 * quads(capacity));
    const reads = [this.buffer(id)];
    return {
      label: `transpose %${id}`,
      reads,
      writes,
      rows,
      shader: () => code,
      grid: () => grid,
      variant: oneWay,
    };
  }

  private attention({ node, y }: AttentionStep, label: string): Kernel {
    const { plan } = this;
    const sight = sightOf(plan, node);
    const rows = rowsOf(plan, y);
    const columns = columnsOf(plan.graph, y);
    const view = ({ node: id, begin }: Columns): { base: Size; stride: number; begin: number } => ({
      base: this.base(id),
      stride: quads(columnsOf(plan.graph, id)) * 4,
      begin,
    });
    const kind = this.target.plain ? "plain" : "cooperative";
    const code = attentionShader({
      words: plan.words,
      rows,
      heads: node.heads,
      size: columns / node.heads,
      query: view(node.query),
      key: view(node.key),
      value: view(node.value),
      list: { word: sight.list },
      ranges: { word: sight.ranges },
      stride: quads(columns) * 4,
      kind,
    });
    const reads = [node.query.node, node.key.node, node.value.node].map((id) => this.buffer(id));
    return {
      label,
      reads: [...reads, this.memory.upload],
      writes: this.buffer(y),
      rows,
      shader: () => code,
      grid: (count) =>
        kind === "plain"
          ? elementGrid(count * node.heads)
          : [node.heads, Math.min(count, MOST_WORKGROUPS), Math.ceil(count / MOST_WORKGROUPS)],
      variant: () => kind,
    };
  }

  /** Where a value begins in its buffer, in elements of 16 bytes. */
  private base(id: NodeId): Size {
    const word = this.plan.inputs.get(id);
    return word === undefined ? ZERO : { word };
  }

  private buffer(id: NodeId): GPUBuffer {
    const { op } = this.plan.graph.nodes[id]!;
    if (op === "input") return this.memory.upload;
    if (op === "weight") return this.weights.plain.get(id)!;
    return this.memory.slots[this.plan.slots.get(id)!]!;
  }
}
