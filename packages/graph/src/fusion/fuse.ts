/** `fuse`: a graph as the list of kernel steps that compute it. Not here: memory, sizes of a run, kernels. */
import type { Graph, Node, NodeId } from "../graph.js";
import { attentionSources } from "./steps.js";
import type { Step } from "./steps.js";

function sources(node: Node): NodeId[] {
  switch (node.op) {
    case "input":
    case "weight":
      return [];
    case "gather":
      return [node.x, node.rows];
    case "concat":
    case "add":
      return [node.a, node.b];
    case "layerNorm":
      return [node.x, node.weight, node.bias];
    case "linear":
      return node.bias === undefined ? [node.x, node.weight] : [node.x, node.weight, node.bias];
    case "gelu":
      return [node.x];
    case "attention":
      return attentionSources(node);
    default:
      return node satisfies never;
  }
}

/** The nodes that some output needs, inputs and weights included. */
export function neededNodes(graph: Graph): Set<NodeId> {
  const needed = new Set(Object.values(graph.outputs));
  for (let id = graph.nodes.length - 1; id >= 0; id--) {
    if (needed.has(id)) for (const source of sources(graph.nodes[id]!)) needed.add(source);
  }
  return needed;
}

/**
 * One step per node that an output needs, in order, merged where a result has a single reader: gelu and the addition of
 * a residual go into the linear before them, an addition into the gather before it. A merged step stands where its
 * last part stood.
 * @param graph - one that `verify` has passed
 */
export function fuse(graph: Graph): Step[] {
  const needed = neededNodes(graph);
  const uses = new Map<NodeId, number>();
  const use = (id: NodeId): unknown => uses.set(id, (uses.get(id) ?? 0) + 1);
  Object.values(graph.outputs).forEach(use);
  for (const id of needed) sources(graph.nodes[id]!).forEach(use);

  const steps = new Map<NodeId, Step>(); // by result, in order
  const take = (id: NodeId): Step | undefined => (uses.get(id) === 1 ? steps.get(id) : undefined);
  const merge = (from: NodeId, step: Step): void => {
    steps.delete(from);
    steps.set(step.y, step);
  };
  graph.nodes.forEach((node, y) => {
    if (!needed.has(y)) return;
    switch (node.op) {
      case "input":
      case "weight":
        return;
      case "gather":
        return void steps.set(y, { op: "gather", x: node.x, rows: node.rows, addend: undefined, y });
      case "concat":
        return void steps.set(y, { op: "concat", a: node.a, b: node.b, y });
      case "layerNorm":
        return void steps.set(y, { ...node, y });
      case "attention":
        return void steps.set(y, { op: "attention", node, y });
      case "linear": {
        const rest = { activation: undefined, residual: undefined };
        return void steps.set(y, {
          op: "linear",
          x: node.x,
          weight: node.weight,
          bias: node.bias,
          ...rest,
          y,
        });
      }
      case "gelu": {
        const before = take(node.x);
        if (before?.op === "linear" && before.activation === undefined && before.residual === undefined) {
          return merge(node.x, { ...before, activation: node.form, y });
        }
        return void steps.set(y, {
          op: "elementwise",
          x: node.x,
          activation: node.form,
          residual: undefined,
          y,
        });
      }
      case "add": {
        for (const [from, other] of [
          [node.b, node.a],
          [node.a, node.b],
        ] as const) {
          const before = take(from);
          if ((before?.op === "linear" || before?.op === "elementwise") && before.residual === undefined) {
            return merge(from, { ...before, residual: other, y });
          }
          if (before?.op === "gather" && before.addend === undefined) {
            return merge(from, { ...before, addend: other, y });
          }
        }
        const { a: x, b: residual } = node;
        return void steps.set(y, { op: "elementwise", x, activation: undefined, residual, y });
      }
      default:
        node satisfies never;
    }
  });
  return [...steps.values()];
}
