/** The formats that are fuzzed: a sound file each, where mutations go, and how it is opened. */
import { readFileSync } from "node:fs";

const golden = (name) => new Uint8Array(readFileSync(new URL(`../test/golden/${name}`, import.meta.url)));
const MICRO = "micro.hf.safetensors";

/** An index of two files that holds the names of `MICRO`, and those files as they are. */
function index() {
  const file = golden(MICRO);
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  const names = Object.keys(header).filter((name) => name !== "__metadata__");
  const weight_map = Object.fromEntries(names.map((name) => [name, "model-00001-of-00001.safetensors"]));
  return new TextEncoder().encode(JSON.stringify({ metadata: { total_size: file.length }, weight_map }));
}

/**
 * @param weights - the package, from its sources or built
 * @returns name, sound bytes, and `open(bytes)`, which opens a file and reads some of it, or rejects
 */
export function formats({ bufferSource, openCheckpoint, openTensorFile, readTensor }) {
  const open = async (bytes) => {
    const file = await openTensorFile(bufferSource(bytes));
    const floats = [...file.entries].filter(([, { dtype }]) => /^B?F(?:16|32)$/.test(dtype));
    for (const [tensor] of floats.slice(0, 3)) await readTensor(file, tensor);
  };
  const part = golden(MICRO);
  const files = (bytes) => ({
    name: "files",
    list: async () => ["model.safetensors.index.json"],
    async open(path) {
      if (path.endsWith(".index.json")) return bufferSource(bytes);
      return path === "model-00001-of-00001.safetensors" ? bufferSource(part) : undefined;
    },
  });
  return [
    ...["micro.openai.safetensors", "micro.pt", "micro.jit.pt", "micro.legacy.pt"].map((name) => ({
      name,
      sound: golden(name),
      open,
    })),
    {
      name: "model.safetensors.index.json",
      sound: index(),
      open: async (bytes) => void (await openCheckpoint(files(bytes), { activation: "gelu", config: null })),
    },
  ];
}
