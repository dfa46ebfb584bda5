/** The script of the page that `serve.mjs` serves: the suite, where tests find it. */
import * as suite from "./cases.mjs";

globalThis.suite = suite;
/** Loaded only where it is called: most pages have no WebGPU. */
globalThis.runWebgpuCases = async () => (await import("./webgpu-cases.mjs")).runWebgpuCases();
