/** A graph as text, one node a line, so that two graphs can be compared by a diff. */
import type { Columns, Graph, Node } from "./graph.js";
import { formatShape } from "./infer.js";

/**
 * Prints a graph. Ids count from %0; a line reads `%7 = linear(%5, %1, %2)  # [rows, 2048]`.
 * @example
 * %0 = input("x", float32)  # [rows, 4]
 * %1 = weight("w")  # [8, 4]
 * %2 = linear(%0, %1)  # [rows, 8]
 * output y = %2
 */
export function printGraph(graph: Graph): string {
  const lines = graph.nodes.map(
    (node, id) => `%${id} = ${printNode(node)}  # ${formatShape(graph.types[id]!.shape)}`,
  );
  for (const [name, id] of Object.entries(graph.outputs)) lines.push(`output ${name} = %${id}`);
  return lines.join("\n") + "\n";
}

function printNode(node: Node): string {
  switch (node.op) {
    case "input":
      return `input(${JSON.stringify(node.name)}, ${node.dtype}${node.mayBeEmpty ? ", may be empty" : ""})`;
    case "weight": {
      const rows = node.rows === undefined ? "" : `, rows ${node.rows.begin}:${node.rows.end}`;
      return `weight(${JSON.stringify(node.source)}${rows})`;
    }
    case "gather":
      return `gather(%${node.x}, %${node.rows})`;
    case "concat":
      return `concat(%${node.a}, %${node.b})`;
    case "add":
      return `add(%${node.a}, %${node.b})`;
    case "layerNorm":
      return `layerNorm(%${node.x}, %${node.weight}, %${node.bias}, epsilon ${node.epsilon})`;
    case "linear":
      return `linear(%${node.x}, %${node.weight}${node.bias === undefined ? "" : `, %${node.bias}`})`;
    case "gelu":
      return `gelu(%${node.x}, ${node.form})`;
    case "attention": {
      const { visibility } = node;
      const sees =
        visibility.kind === "ancestors"
          ? `ancestors %${visibility.parents}`
          : `segments %${visibility.segments}`;
      const rows = node.queryRows === undefined ? "" : `, queryRows %${node.queryRows}`;
      const operands = [node.query, node.key, node.value].map(printColumns).join(", ");
      return `attention(${operands}, heads ${node.heads}, ${sees}${rows}, contextLength ${node.contextLength})`;
    }
    default:
      return node satisfies never;
  }
}

function printColumns({ node, begin, end }: Columns): string {
  return `%${node}[${begin}:${end}]`;
}
