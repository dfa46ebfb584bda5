/** onnxruntime-node: ONNX Runtime's native CPU kernels, on the model as exporters write it. */
import * as ort from "onnxruntime-node";
import { padded, sessionOptions } from "./onnxruntime.mjs";

export async function onnxruntimeNode({ threads, peer }) {
  const session = await ort.InferenceSession.create(peer, {
    ...sessionOptions,
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
  });
  const runtime = `onnxruntime-node ${ort.env.versions.node}, cpu`;
  return padded(ort, session, { runtime, threads, notes: [] });
}
