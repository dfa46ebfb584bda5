/**
 * The matrix: the conformance suite for every backend in every runtime that npm and Debian have, as a table on standard
 * output and in `docs/matrix.md`. Takes some minutes; CI covers the cells of `cells.mjs` by its tests.
 *
 *   node scripts/matrix/run.mjs [--only TEXT]     after `pnpm build`; cells whose runtime or backend contains TEXT
 */
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { rolldown } from "rolldown";
import { binaryOf } from "../runtimes/binaries.mjs";
import { BROWSER_FLAGS } from "../runtimes/browser-flags.mjs";
import { root } from "../workspace.mjs";
import { BACKENDS } from "./run-cell.mjs";
import { matrixTable } from "./table.mjs";

const { values: options } = parseArgs({ options: { only: { type: "string" } } });
/** A cell that takes longer has failed. */
const TIMEOUT_MS = 400_000;
const PRECISIONS = {
  wasm: ["float32", "float16", "int8"],
  webgpu: ["float32", "float16", "int8"],
  "onnx, onnxruntime-node": ["float32", "float16"],
  "onnx, onnxruntime-web": ["float32", "float16"],
};
/** The software adapter that comes with Debian's Chromium, for Dawn. */
const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";
/** What pages run: the rest of what browsers can do is in CI's list. */
const IN_PAGES = ["reference", "wasm", "webgpu"];
const runner = join(root, "scripts/matrix/run-cell.mjs");

/** What `bundle` has made. */
let bundled;
const cells = [];
for (const [runtime, start] of Object.entries(runtimes())) {
  for (const backend of start.page ? IN_PAGES : BACKENDS) {
    for (const precision of PRECISIONS[backend] ?? ["float32"]) {
      if (options.only !== undefined && !`${runtime} ${backend}`.includes(options.only)) continue;
      const outcome = start.missing
        ? { passed: 0, failed: 0, failures: [], reason: start.missing }
        : await start.run(backend, precision);
      cells.push({ runtime, backend, precision, ...outcome });
      const said = outcome.reason ?? `${outcome.passed} passed, ${outcome.failed} failed`;
      console.error(`${runtime}: ${backend}, ${precision}: ${said}`);
      for (const failure of outcome.failures.slice(0, 3)) console.error(`  ${failure}`);
    }
  }
}
const table = matrixTable(cells);
console.log(table);
if (options.only === undefined) {
  const text = `# The matrix

The conformance suite and golden vectors, for every backend in every runtime; numbers are cases. GPUs were software
(SwiftShader), which gets a part of the cases: each of its shaders takes seconds to compile. ${cpus()[0].model.trim()},
${new Date().toISOString().slice(0, 10)}. Made by \`pnpm matrix\`.

${table}
In Chromium CI also runs onnxruntime-web on WebGPU (float32, float16) and TensorFlow.js on its cpu, wasm, webgl and webgpu
backends, and in workerd the WASM backend: \`scripts/matrix/cells.mjs\` lists what may not be skipped there.
`;
  writeFileSync(join(root, "docs/matrix.md"), text);
}
process.exit(cells.some(({ failed }) => failed > 0) ? 1 : 0);

function runtimes() {
  return {
    ...Object.fromEntries(["20", "22", "24"].map((version) => [`Node ${version}`, node(version)])),
    Deno: binary(binaryOf("deno", "deno"), [
      ...["run", "--no-prompt", "--no-lock", "--node-modules-dir=manual", "--allow-all"],
    ]),
    Bun: binary(binaryOf("bun", "bin/bun"), []),
    "Chromium, isolated": browser(process.env.CHROMIUM ?? "/usr/bin/chromium", chromiumArguments, true),
    "Chromium, not isolated": browser(process.env.CHROMIUM ?? "/usr/bin/chromium", chromiumArguments, false),
    "Firefox ESR, isolated": browser(process.env.FIREFOX ?? "/usr/bin/firefox-esr", firefoxArguments, true),
    "Firefox ESR, not isolated": browser(
      process.env.FIREFOX ?? "/usr/bin/firefox-esr",
      firefoxArguments,
      false,
    ),
  };
}

function node(version) {
  if (process.versions.node.startsWith(`${version}.`)) return binary(process.execPath, []);
  const { status, stdout } = spawnSync(
    "npx",
    ["--yes", "-p", `node@${version}`, "node", "-p", "process.execPath"],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
  );
  return binary(status === 0 ? stdout.trim() : undefined, []);
}

/** A runtime that is a process. */
function binary(path, args) {
  if (path === undefined) return { missing: "the runtime is not to be had here" };
  return {
    run: (backend, precision) =>
      new Promise((resolve) => {
        const env = {
          ...process.env,
          NO_COLOR: "1",
          ...(existsSync(SWIFTSHADER) && { VK_ICD_FILENAMES: SWIFTSHADER }),
        };
        execFile(
          path,
          [...args, runner, backend, precision],
          { env, timeout: TIMEOUT_MS, killSignal: "SIGKILL", maxBuffer: 2 ** 26 },
          (error, stdout, stderr) => {
            const line = stdout.split("\n").findLast((each) => each.startsWith('{"passed"'));
            if (line !== undefined) return resolve(JSON.parse(line));
            const why = error?.killed ? "took too long" : stderr.trim().split("\n").at(-1);
            resolve({ passed: 0, failed: 1, failures: [`the process ended: ${why}`] });
          },
        );
      }),
  };
}

function chromiumArguments(url, profile) {
  const gpu = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
  return ["--headless=new", ...BROWSER_FLAGS, ...gpu, `--user-data-dir=${profile}`, url];
}

function firefoxArguments(url, profile) {
  return ["--headless", "--no-remote", "--profile", profile, url];
}

/** A runtime that is a page: it is opened, runs one cell, and posts what came of it. No driver is needed for that. */
function browser(path, argumentsOf, isolated) {
  if (!existsSync(path)) return { page: true, missing: `${path} is not installed` };
  return {
    page: true,
    async run(backend, precision) {
      const script = await bundle();
      let settle;
      const outcome = new Promise((resolve) => (settle = resolve));
      const server = createServer(async (request, response) => {
        const headers = isolated
          ? { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" }
          : {};
        const { pathname } = new URL(request.url, "http://localhost");
        const answer = (type, body) =>
          response.writeHead(200, { ...headers, "Content-Type": type }).end(body);
        if (request.method === "POST") {
          const chunks = [];
          for await (const chunk of request) chunks.push(chunk);
          settle(JSON.parse(Buffer.concat(chunks).toString()));
          return answer("text/plain", "");
        }
        if (pathname === "/page.js") return answer("text/javascript", script.page);
        if (pathname === "/worker.js") return answer("text/javascript", script.worker);
        const golden = /^\/golden\/([\w.-]+\.json)$/.exec(pathname);
        if (golden !== null) {
          const { readFileSync } = await import("node:fs");
          return answer(
            "application/json",
            readFileSync(join(root, "packages/conformance/golden", golden[1])),
          );
        }
        answer(
          "text/html",
          '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>',
        );
      });
      await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
      const profile = mkdtempSync(join(tmpdir(), "textower-matrix-"));
      const cell = new URLSearchParams({ backend, precision });
      const url = `http://127.0.0.1:${server.address().port}/?${cell}`;
      const child = spawn(path, argumentsOf(url, profile), { stdio: "ignore", detached: true });
      const late = setTimeout(
        () => settle({ passed: 0, failed: 1, failures: ["took too long"] }),
        TIMEOUT_MS,
      );
      const result = await outcome;
      clearTimeout(late);
      process.kill(-child.pid, "SIGKILL"); // with the processes that it has started
      await once(child, "close");
      server.closeAllConnections();
      server.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
      return result;
    },
  };
}

/** The script of the page, and the worker of the WASM backend. */
function bundle() {
  const build = async (input) => {
    const made = await rolldown({ input, platform: "browser", external: /^node:/, logLevel: "silent" });
    const { output } = await made.generate({ format: "esm", codeSplitting: false });
    await made.close();
    return output[0].code;
  };
  return (bundled ??= (async () => ({
    page: await build(join(root, "scripts/matrix/page.mjs")),
    worker: await build(join(root, "packages/backend-wasm/dist/worker.js")),
  }))());
}
