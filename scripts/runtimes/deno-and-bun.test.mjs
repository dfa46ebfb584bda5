/** The suite in Deno and Bun, as their npm packages have them. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { binaryOf } from "./binaries.mjs";
import { CONFIGURATIONS } from "./cases.mjs";
import { expectConformance, suiteOf } from "./suite.mjs";

const RUNTIMES = {
  // The one permission is to read: workers are started from a file, golden vectors lie in files. Packages are taken
  // as pnpm laid them out.
  Deno: {
    path: binaryOf("deno", "deno"),
    args: ["run", "--no-prompt", "--no-lock", "--node-modules-dir=manual", "--allow-read"],
  },
  Bun: { path: binaryOf("bun", "bin/bun"), args: [] },
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

function runProcess(path, args) {
  const env = { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
  return new Promise((resolve) => {
    execFile(path, args, { env, timeout: 360_000, killSignal: "SIGKILL" }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, signal: error?.signal ?? undefined, stdout, stderr }),
    );
  });
}
