/** `verify`: whether a graph that came from elsewhere obeys the rules. Names the first bad node. */
import { GraphError } from "./errors.js";
import type { Graph, ValueType } from "./graph.js";
import { formatShape, inferType } from "./infer.js";

/**
 * Checks every node, every recorded type and every output. Backends call it before they compile.
 * @throws GraphError beginning with the index and op of the first bad node, such as `node 7 (linear): …`
 */
export function verify(graph: Graph): void {
  const types: ValueType[] = [];
  const inputs = new Set<string>();
  graph.nodes.forEach((node, id) => {
    const where = `node ${id} (${String(node?.op)})`;
    let type: ValueType;
    try {
      type = inferType(node, types);
    } catch (error) {
      throw new GraphError(`${where}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
    if (node.op === "input") {
      if (inputs.has(node.name))
        throw new GraphError(`${where}: expected a name that is free, got ${node.name} again`);
      inputs.add(node.name);
    }
    const recorded = graph.types[id];
    if (recorded === undefined || format(recorded) !== format(type)) {
      throw new GraphError(
        `${where}: expected type ${format(type)}, got ${recorded === undefined ? "none" : format(recorded)}`,
      );
    }
    types.push(type);
  });
  const outputs = Object.entries(graph.outputs);
  if (outputs.length === 0) throw new GraphError("outputs: expected at least one, got none");
  for (const [name, id] of outputs) {
    if (types[id]?.dtype !== "float32") {
      throw new GraphError(
        `output ${name}: expected a float32 node, got node ${id} of ${graph.nodes.length}`,
      );
    }
  }
}

function format(type: ValueType): string {
  return `${type.dtype} ${formatShape(type.shape)}`;
}
