/**
 * `measure.mjs` in a page. The address says what: `?model=small&captions=64&classes=1&rounds=3`. What comes out stands in the
 * page, on the console, and in `globalThis.report`.
 */
import { DEFAULTS, measure } from "./measure.mjs";

const say = (line) => {
  document.body.append(Object.assign(document.createElement("pre"), { textContent: line }));
  console.log(line);
};
const settings = { ...DEFAULTS, ...Object.fromEntries(new URLSearchParams(location.search)) };
const { tf, ort } = globalThis;
ort.env.wasm.wasmPaths = "/ort/";

try {
  globalThis.report = await measure(settings, {
    gpu: navigator.gpu,
    tf,
    ort,
    where: navigator.userAgent,
    say,
  });
} catch (error) {
  say(`failed: ${error.stack}`);
  globalThis.report = { error: String(error) };
}
