/** `WasmExecutable`: runs a loaded plan. */
import { BackendError, bindShape, checkInputs, InputError, RunQueue, tensor } from "@textower/graph";
import type { Dimensions, Executable, ExecutableInfo, Inputs, NodeId, Tensor } from "@textower/graph";
import { encodeProgram } from "./encode.js";
import { rowBytes } from "./plan.js";
import type { Plan } from "./plan.js";
import type { ThreadPool } from "./pool.js";
import type { Kernels } from "./variants.js";

/** What holds the memory; let go of as one. */
interface Machine {
  readonly plan: Plan;
  readonly memory: WebAssembly.Memory;
  readonly kernels: Kernels;
  /** Absent: one thread. */
  readonly pool: ThreadPool | undefined;
  /** Threads that compute. */
  readonly threads: number;
}

/** See the file's head. */
export class WasmExecutable implements Executable {
  readonly info: ExecutableInfo;
  readonly #queue = new RunQueue("wasm");
  #machine: Machine | undefined;

  constructor(machine: Machine, info: ExecutableInfo) {
    this.#machine = machine;
    this.info = info;
  }

  /** For tests: the plan and the memory, while there is one. */
  get machine(): Machine | undefined {
    return this.#machine;
  }

  run(inputs: Inputs, options: { readonly signal?: AbortSignal } = {}): Promise<Record<string, Tensor>> {
    return this.#queue.run(() => evaluate(this.#machine!, inputs), options.signal);
  }

  dispose(): Promise<void> {
    return this.#queue.dispose(() => {
      this.#machine?.pool?.dispose();
      this.#machine = undefined;
    });
  }
}

async function evaluate(machine: Machine, inputs: Inputs): Promise<Record<string, Tensor>> {
  const { plan, memory, kernels, pool, threads } = machine;
  const dimensions = checkInputs(plan.graph, inputs);
  for (const [name, size] of dimensions) {
    if (size > plan.maxRows) {
      throw new InputError(`wasm: expected at most ${plan.maxRows} ${name}, got ${size}`);
    }
  }
  await pool?.settled();
  writeInputs(plan, memory.buffer, inputs);
  encodeProgram(plan, dimensions, memory.buffer, threads);
  if (pool === undefined) {
    try {
      kernels.run(plan.program, plan.lowered.steps.length, plan.scratch);
    } catch (cause) {
      throw new BackendError(`wasm: expected the kernels to finish, got ${String(cause)}`, { cause });
    }
  } else {
    await pool.run();
  }
  return Object.fromEntries(
    Object.entries(plan.graph.outputs).map(([name, id]) => [
      name,
      readOutput(plan, memory.buffer, id, dimensions),
    ]),
  );
}

function writeInputs(plan: Plan, memory: ArrayBufferLike, inputs: Inputs): void {
  plan.graph.nodes.forEach((node, id) => {
    if (node.op !== "input") return;
    const { shape, data } = inputs[node.name]!;
    const address = plan.addresses.get(id)!;
    if (shape.length === 1) {
      new Int32Array(memory, address, shape[0]!).set(data);
      return;
    }
    const [rows, columns] = [shape[0]!, shape[1]!];
    const stride = rowBytes(columns);
    if (stride === columns * 4) {
      new Float32Array(memory, address, data.length).set(data);
      return;
    }
    for (let row = 0; row < rows; row++) {
      const values = data.subarray(row * columns, (row + 1) * columns);
      new Float32Array(memory, address + row * stride, columns).set(values);
    }
  });
}

function readOutput(plan: Plan, memory: ArrayBufferLike, id: NodeId, dimensions: Dimensions): Tensor {
  const shape = bindShape(plan.graph.types[id]!.shape, dimensions);
  const [rows, columns] = shape.length === 1 ? [1, shape[0]!] : [shape[0]!, shape[1]!];
  const values = new Float32Array(rows * columns);
  const address = plan.addresses.get(id)!;
  for (let row = 0; row < rows; row++) {
    values.set(new Float32Array(memory, address + row * rowBytes(columns), columns), row * columns);
  }
  return tensor("float32", shape, values);
}
