/** Where a benchmark in Node, Deno or Bun runs. */
import { cpus, totalmem } from "node:os";

/** Name → value, for people. */
export function describeMachine(): Record<string, string> {
  const [first] = cpus();
  const { bun, deno, node, v8 } = process.versions;
  return {
    processor: first?.model.trim() ?? "unknown",
    cores: String(cpus().length),
    memory: `${Math.round(totalmem() / 1e9)} GB`,
    platform: `${process.platform} ${process.arch}`,
    runtime: bun !== undefined ? `Bun ${bun}` : deno !== undefined ? `Deno ${deno}` : `Node ${node}`,
    ...(v8 !== undefined && { V8: v8 }),
  };
}
