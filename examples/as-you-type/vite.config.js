import { defineConfig } from "vite";

/** What lets WebAssembly have threads. */
const headers = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

export default defineConfig({
  base: "./",
  build: { target: "es2022", assetsInlineLimit: 0 }, // top-level await; pictures as files
  worker: { format: "es" }, // workers that load parts when they need them
  optimizeDeps: { exclude: ["textower"] }, // prebundling would leave the worker's file behind
  server: { headers },
  preview: { headers },
});
