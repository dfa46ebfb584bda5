/** @textower/backend-wasm: runs the graph on its own WebAssembly kernels. Importing does nothing. */
export { wasm } from "./wasm.js";
export type { WasmOptions } from "./wasm.js";
export type { Variant } from "./variants.js";
