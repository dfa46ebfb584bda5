/** Runtimes that the page takes from the server, which takes them from where somebody installed them. */

/** Packages whose files are served, at `/runtimes/PACKAGE/dist/…`. */
export const RUNTIME_PACKAGES: readonly string[] = [
  "onnxruntime-web",
  "@tensorflow/tfjs-core",
  "@tensorflow/tfjs-backend-cpu",
  "@tensorflow/tfjs-backend-wasm",
  "@tensorflow/tfjs-backend-webgl",
  "@tensorflow/tfjs-backend-webgpu",
];
