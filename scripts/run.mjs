/**
 * What the README's two commands call, on a machine that has just Node with npm: gets pnpm, installs, builds, and goes
 * on. Each step is skipped or answered from a cache when nothing has changed.
 *
 *   node scripts/run.mjs encode "a red circle"
 *   node scripts/run.mjs test [--filter PACKAGE] [vitest arguments]
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runTests } from "./test.mjs";
import { manifests } from "./workspace.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const [command, ...rest] = process.argv.slice(2);
const quiet = command === "encode";

install();
pnpm(["exec", "turbo", "run", "build", "--output-logs=errors-only", "--log-order=grouped"]);
if (command === "encode") {
  process.exitCode =
    spawnSync(process.execPath, ["packages/cli/bin/textower.js", "encode", ...rest], { stdio: "inherit" })
      .status ?? 1;
} else if (command === "test") {
  process.exitCode = await runTests(withProjects(rest), pnpm);
} else {
  console.error(`run: expected encode or test, got ${command}`);
  process.exitCode = 2;
}

/** `--filter @textower/model`, as pnpm calls packages, is vitest's `--project model`. */
function withProjects(args) {
  const projects = args.map((arg, i) => (args[i - 1] === "--filter" ? arg.replace("@textower/", "") : arg));
  return projects.map((arg) =>
    arg.replace(/^--filter(=(?:@textower\/)?)?/, (_, rest) => `--project${rest ? "=" : ""}`),
  );
}

/** Installs unless the lock file and every manifest are as they were at the last install. */
function install() {
  const stamp = "node_modules/.textower-installed";
  const hash = createHash("sha256").update(process.version);
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", ...manifests()])
    hash.update(readFileSync(file));
  const digest = hash.digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
  pnpm(["install", "--frozen-lockfile", "--prefer-offline"]);
  mkdirSync("node_modules", { recursive: true });
  writeFileSync(stamp, digest);
}

/** Runs the pnpm that package.json names. Output goes to stderr, so that stdout is the command's own. */
function pnpm(args, options = {}) {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { status } = spawnSync("npx", ["--yes", packageManager, ...args], {
    stdio: ["ignore", quiet ? "pipe" : 2, 2],
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1", npm_config_update_notifier: "false" },
    ...options,
  });
  if (status !== 0 && options.check !== false) {
    console.error(`run: pnpm ${args.join(" ")} ended with ${status}`);
    process.exit(status ?? 1);
  }
  return status ?? 1;
}
