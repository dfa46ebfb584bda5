/** One run over all packages, and over the checks of the repository itself. */
import { readdirSync } from "node:fs";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Whole towers run in plain loops, and the machine may be a small one.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: 2,
    projects: [
      ...readdirSync("packages").map((name) => ({
        extends: true as const,
        test: { name, root: `packages/${name}`, include: ["test/**/*.test.ts"] },
      })),
      // Projects named checks… run once, on the Node that called: see scripts/test.mjs.
      {
        extends: true as const,
        test: {
          name: "checks",
          root: "scripts/checks",
          include: ["*.test.mjs"],
          globalSetup: "pack.setup.mjs",
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        extends: true as const,
        test: { name: "checks-runtimes", root: "scripts/runtimes", include: ["*.test.mjs"] },
      },
    ],
  },
});
