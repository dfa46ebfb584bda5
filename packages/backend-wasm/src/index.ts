/** @textower/backend-wasm: runs the graph on its own WebAssembly kernels. Importing does nothing. */
export { wasm } from "./wasm.js";
export type { WasmOptions } from "./wasm.js";
export type { PrecompiledKernels, Variant } from "./variants.js";
