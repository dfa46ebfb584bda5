/** @textower/backend-webgpu: the graph on WebGPU, in browsers, Deno and Node. Not here: models, WebGPU itself. */
export { webgpu } from "./webgpu.js";
export type { KernelTiming } from "./timer.js";
export type { WebgpuOptions } from "./webgpu.js";
