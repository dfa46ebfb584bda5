/** Who can take part in a page: our own backends, and those whose runtime the server has. */
import { onnx } from "@textower/backend-onnx";
import type { OrtModule } from "@textower/backend-onnx";
import { tfjs } from "@textower/backend-tfjs";
import type { TfjsOptions } from "@textower/backend-tfjs";
import { wasm } from "@textower/backend-wasm";
import { webgpu } from "@textower/backend-webgpu";
import type { Precision } from "@textower/graph";
import type { Absentee, Contestant } from "../contestant.js";

const PRECISIONS: readonly Precision[] = ["float32", "float16", "int8"];
/** Backends of TensorFlow.js, and the files that register them; those with WebAssembly know where theirs lie. */
const TFJS_BACKENDS = ["wasm", "webgl", "webgpu"] as const;

/** Finds everybody. Runtimes are loaded by that. */
export async function findContestants(): Promise<{ contestants: Contestant[]; absent: Absentee[] }> {
  const contestants: Contestant[] = [];
  const absent: Absentee[] = [];
  const backends = { wasm: wasm(), webgpu: webgpu() };
  for (const [name, backend] of Object.entries(backends)) {
    const support = await backend.isSupported();
    if (!support.supported) absent.push({ name, reason: support.reason });
    else {
      for (const precision of PRECISIONS) {
        contestants.push({
          name: precision === "float32" ? name : `${name} ${precision}`,
          backend,
          precision,
        });
      }
    }
  }
  await addOnnx(contestants, absent);
  await addTfjs(contestants, absent);
  return { contestants, absent };
}

async function addOnnx(contestants: Contestant[], absent: Absentee[]): Promise<void> {
  const names = { wasm: "onnx on onnxruntime-web, wasm", webgpu: "onnx on onnxruntime-web, webgpu" };
  const address = "/runtimes/onnxruntime-web/dist/ort.all.min.mjs";
  if (!(await isServed(address))) {
    for (const name of Object.values(names))
      absent.push({ name, reason: "the server has no onnxruntime-web" });
    return;
  }
  const ort = (await import(/* @vite-ignore */ address)) as OrtModule;
  for (const [provider, name] of Object.entries(names)) {
    // They ask for the same as ours.
    const support = await (provider === "webgpu" ? webgpu() : wasm()).isSupported();
    if (!support.supported) absent.push({ name, reason: support.reason });
    else {
      const backend = onnx({ ort, executionProviders: [provider] });
      contestants.push({ name, backend, precision: "float32" });
    }
  }
}

async function addTfjs(contestants: Contestant[], absent: Absentee[]): Promise<void> {
  const core = "/runtimes/@tensorflow/tfjs-core/dist/tf-core.min.js";
  const isThere = await isServed(core);
  if (isThere) await loadScript(core);
  for (const name of TFJS_BACKENDS) {
    const script = `/runtimes/@tensorflow/tfjs-backend-${name}/dist/tf-backend-${name}.min.js`;
    const label = `tfjs, ${name}`;
    if (!isThere || !(await isServed(script))) {
      absent.push({ name: label, reason: `the server has no @tensorflow/tfjs-backend-${name}` });
      continue;
    }
    await loadScript(script);
    const { tf } = globalThis as unknown as { tf: TfjsOptions["tf"] };
    const activate = async (): Promise<void> => {
      if (!(await tf.setBackend(name))) throw new Error(`${label}: does not start here`);
    };
    try {
      await activate();
      const { backend, precision } = { backend: tfjs({ tf }), precision: "float32" as const };
      contestants.push({ name: label, backend, precision, activate });
    } catch (error) {
      absent.push({ name: label, reason: error instanceof Error ? error.message : String(error) });
    }
  }
}

async function isServed(address: string): Promise<boolean> {
  return (await fetch(address, { method: "HEAD" })).ok;
}

/** Runs a script that leaves a global behind, as these runtimes are published for pages. */
function loadScript(address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve();
    script.onerror = () => reject(new Error(`expected ${address} to load`));
    document.head.append(script);
  });
}
