/** The suite in Deno and Bun, as their npm packages have them. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { CONFIGURATIONS } from "./cases.mjs";
import { expectConformance, suiteOf } from "./suite.mjs";

const RUNTIMES = {
  // The one permission is to read: workers are started from a file, golden vectors lie in files. Packages are taken
  // as pnpm laid them out.
  Deno: {
    path: platformBinary("deno", "deno"),
    args: ["run", "--no-prompt", "--no-lock", "--node-modules-dir=manual", "--allow-read"],
  },
  Bun: { path: platformBinary("bun", "bin/bun"), args: [] },
};

for (const [runtime, { path, args }] of Object.entries(RUNTIMES)) {
  const { skip, title } = suiteOf(runtime, path, "its npm package brings one for most platforms");
  describe.skipIf(skip)(title, () => {
    let ended;
    const outcomes = new Map();

    beforeAll(async () => {
      ended = await runProcess(path, [...args, fileURLToPath(new URL("run-cases.mjs", import.meta.url))]);
      for (const line of ended.stdout.split("\n").filter(Boolean)) {
        const { name, ...outcome } = JSON.parse(line);
        outcomes.set(name, outcome);
      }
    }, 400_000);

    for (const name of Object.keys(CONFIGURATIONS)) {
      test(name, () => expectConformance(name, outcomes.get(name)));
    }

    test("the process ends by itself and has nothing to complain about", () => {
      expect(ended).toMatchObject({ code: 0, signal: undefined, stderr: "" });
    });
  });
}

/** The binary in the package for this platform, one of `name`'s optional dependencies; undefined if there is none. */
function platformBinary(name, file) {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve(`${name}/package.json`);
  const { optionalDependencies } = JSON.parse(readFileSync(manifest, "utf8"));
  for (const platform of Object.keys(optionalDependencies)) {
    try {
      return join(dirname(createRequire(manifest).resolve(`${platform}/package.json`)), file);
    } catch {
      // Not the one that was installed.
    }
  }
  return undefined;
}

function runProcess(path, args) {
  const env = { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
  return new Promise((resolve) => {
    execFile(path, args, { env, timeout: 360_000, killSignal: "SIGKILL" }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, signal: error?.signal ?? undefined, stdout, stderr }),
    );
  });
}
