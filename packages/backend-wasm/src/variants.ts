/**
 * Which of the builds of the kernels this engine runs, and the modules themselves. Nothing is decoded or compiled
 * before it is asked for.
 */
import { BackendError } from "@textower/graph";
import * as binaries from "./generated/kernels.js";

/** Vector instructions: plain 128-bit SIMD, or relaxed SIMD, which has a fused multiply-add. */
export type Variant = "simd" | "relaxed";

/** What the modules export: `assembly/index.ts`. Addresses and sizes are bytes. */
export interface Kernels {
  run(program: number, steps: number, scratch: number): void;
  /** Only in the builds with threads: as `run`, together with every other thread that calls it. */
  share(program: number, steps: number, scratch: number): void;
  packFloat32(rows: number, columns: number, x: number, xStride: number, panel: number): void;
  /** Returns the largest |x|. */
  packFloat16(rows: number, columns: number, x: number, xStride: number, panel: number): number;
  packInt8(rows: number, columns: number, x: number, xStride: number, panel: number, scales: number): void;
  widenFloat16(count: number, x: number, y: number): void;
  widenBfloat16(count: number, x: number, y: number): void;
}

/** Modules that the host has compiled, for engines that compile nothing at run time. */
export interface PrecompiledKernels {
  /** `@textower/backend-wasm/simd.wasm` */
  readonly simd?: WebAssembly.Module;
  /** `@textower/backend-wasm/relaxed.wasm` */
  readonly relaxed?: WebAssembly.Module;
}

const modules = new Map<string, Promise<WebAssembly.Module>>();

/** Whether the engine validates a variant's modules. Never throws. */
export function runsHere(variant: Variant): boolean {
  try {
    return WebAssembly.validate(binary(variant, false));
  } catch {
    return false;
  }
}

/** The compiled module of a variant, compiled once. @param threads - the one that imports shared memory */
export function compiledModule(variant: Variant, threads: boolean): Promise<WebAssembly.Module> {
  const key = `${variant} ${threads}`;
  const known = modules.get(key);
  if (known !== undefined) return known;
  const made = WebAssembly.compile(binary(variant, threads)).catch((cause: unknown) => {
    modules.delete(key);
    throw new BackendError(`wasm: expected the engine to compile the ${variant} kernels`, { cause });
  });
  modules.set(key, made);
  return made;
}

/** An instance over a memory. */
export async function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Kernels> {
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  return instance.exports as unknown as Kernels;
}

function binary(variant: Variant, threads: boolean): Uint8Array<ArrayBuffer> {
  const name =
    variant === "simd" ? (threads ? "simdThreads" : "simd") : threads ? "relaxedThreads" : "relaxed";
  return Uint8Array.from(atob(binaries[name]), (character) => character.charCodeAt(0));
}
