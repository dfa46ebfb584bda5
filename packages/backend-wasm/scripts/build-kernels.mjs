/**
 * Compiles assembly/ to WebAssembly in its variants and writes them as base64 to src/generated/kernels.ts, and those
 * without threads as files to dist/, for hosts that want to compile them themselves.
 * The flags are pinned here; the same sources and compiler give the same bytes. With --check it writes nothing, and
 * fails if the file would change.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Constants go behind the control words: `CONSTANTS_BEGIN` in src/record.ts. */
const FLAGS = [
  "--memoryBase",
  "384",
  "-O3",
  "--converge",
  "--noAssert",
  "--runtime",
  "stub",
  "--importMemory",
  "--enable",
  "simd",
];
const RELAXED = ["--enable", "relaxed-simd"];
/** A module that imports shared memory declares a maximum at or above that of the memory: all of 4 GiB. */
const THREADS = ["--enable", "threads", "--sharedMemory", "--initialMemory", "1", "--maximumMemory", "65536"];

const VARIANTS = {
  simd: [],
  simdThreads: THREADS,
  relaxed: RELAXED,
  relaxedThreads: [...RELAXED, ...THREADS],
};

/** What a host that compiles such files gives for an import of one. */
const DECLARATION = "declare const kernels: WebAssembly.Module;\nexport default kernels;\n";

async function compile(name, flags) {
  const entry = flags.includes("threads") ? "assembly/threads.ts" : "assembly/index.ts";
  const args = [entry, "--baseDir", root, "--outFile", `${name}.wasm`, ...FLAGS, ...flags];
  let bytes;
  const { error, stderr } = await asc.main(args, {
    writeFile: (_, contents) => void (bytes = contents),
  });
  if (error) throw new Error(`asc ${args.join(" ")}: ${stderr.toString()}`, { cause: error });
  return bytes;
}

const lines = ["/** Built by scripts/build-kernels.mjs from assembly/: WebAssembly modules in base64. */"];
const builds = new Map();
for (const [name, flags] of Object.entries(VARIANTS)) {
  const bytes = await compile(name, flags);
  builds.set(`${name}.wasm`, bytes);
  lines.push(`export const ${name} =\n  "${Buffer.from(bytes).toString("base64")}";`);
  console.log(`${name}: ${bytes.length} bytes`);
}
const file = join(root, "src/generated/kernels.ts");
const dist = join(root, "dist");
const text = lines.join("\n") + "\n";
if (process.argv.includes("--check")) {
  if (text !== (await readFile(file, "utf8")))
    throw new Error("expected the kernels that are there, got others");
} else {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  await mkdir(dist, { recursive: true });
  for (const name of ["simd.wasm", "relaxed.wasm"]) await writeFile(join(dist, name), builds.get(name));
  await writeFile(join(dist, "kernels.d.ts"), DECLARATION);
}
