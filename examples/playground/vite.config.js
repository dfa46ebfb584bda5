/** How the playground is built: plain files, and a list of them for the service worker. */
import { defineConfig } from "vite";

/** What makes a page cross-origin isolated, which threads need. Elsewhere the service worker adds it. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default defineConfig({
  base: "./",
  build: { target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 2000 },
  worker: { format: "es" },
  server: { headers },
  preview: { headers },
  // Pre-bundling would move modules away from the files that they name.
  optimizeDeps: { exclude: ["textower", "@textower/backend-wasm", "@textower/model-shapes"] },
  plugins: [
    {
      name: "list-files",
      generateBundle(_, bundle) {
        const files = Object.keys(bundle).filter((name) => !/onnx|ort-wasm|tfjs|\.map$/.test(name));
        this.emitFile({ type: "asset", fileName: "files.json", source: JSON.stringify(["./", ...files]) });
      },
    },
  ],
});
