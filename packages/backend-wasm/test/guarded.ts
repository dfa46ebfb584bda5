/** The backend with guard zones around every buffer of the arena, and a check that nobody wrote into them. */
import type { Backend, Executable } from "@textower/graph";
import { expect } from "vitest";
import type { WasmExecutable } from "../src/executable.js";
import { wasm } from "../dist/index.js";
import { compile } from "../dist/wasm.js";
import type { InternalOptions } from "../src/wasm.js";

const GUARD = 256;
/** Float32: a number that no kernel makes; read as an index it is far out of range. */
const SENTINEL = 0x7b5e4d3c;

export function guarded(options: InternalOptions): {
  backend: Backend;
  checkSentinels: (executable: Executable) => void;
} {
  const backend: Backend = {
    ...wasm(options),
    compile: async (graph, weights, compileOptions) => {
      const executable = await compile(graph, weights, compileOptions ?? {}, { guard: GUARD, ...options });
      for (const zone of zones(executable as unknown as WasmExecutable)) zone.fill(SENTINEL);
      return executable;
    },
  };
  const checkSentinels = (executable: Executable): void => {
    for (const zone of zones(executable as unknown as WasmExecutable)) {
      expect(zone.every((word) => word === SENTINEL)).toBe(true);
    }
  };
  return { backend, checkSentinels };
}

/** Words of the arena that belong to no buffer at any time. */
function zones(executable: WasmExecutable): Uint32Array[] {
  if (executable.machine === undefined) return []; // disposed of
  const { plan, memory } = executable.machine;
  const { address, bytes, buffers } = plan.arena;
  const spans = buffers
    .map((buffer) => [buffer.address, buffer.address + Math.ceil(buffer.bytes / 64) * 64] as const)
    .sort((a, b) => a[0] - b[0]);
  const free: Uint32Array[] = [];
  let at = address;
  for (const [begin, end] of [...spans, [address + bytes, address + bytes] as const]) {
    if (begin > at) free.push(new Uint32Array(memory.buffer, at, (begin - at) / 4));
    at = Math.max(at, end);
  }
  return free;
}
