/** One process from start to first vector: `node first-vector.mjs BACKEND CHECKPOINT` prints what it took as JSON. */
import { fileSource } from "@textower/weights";
import { createTextEncoder } from "textower";

const [backend, path] = process.argv.slice(2);
const file = await fileSource(path);
let read = 0;
const model = {
  name: file.name,
  size: file.size,
  close: () => file.close(),
  read: (offset, into, signal) => {
    read += into.length;
    return file.read(offset, into, signal);
  },
};
const encoder = await createTextEncoder({ model, activation: "quick_gelu", backend: await make(backend) });
await encoder.encode("a photo of a cat");
const seconds = process.uptime();
await encoder.dispose();
const peakMB = process.resourceUsage().maxRSS / 1024;
console.log(
  JSON.stringify({
    readMB: +(read / 1e6).toFixed(1),
    peakMB: +peakMB.toFixed(0),
    seconds: +seconds.toFixed(2),
  }),
);

async function make(name) {
  if (name === "wasm") return (await import("@textower/backend-wasm")).wasm();
  const { onnx } = await import("@textower/backend-onnx");
  return onnx({ ort: await import("onnxruntime-node") });
}
