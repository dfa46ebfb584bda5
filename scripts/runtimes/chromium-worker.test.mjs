/**
 * `textower/worker` in headless Chromium, in pages built by Vite: in a cross-origin isolated page, where the backend has
 * threads within the worker, and in one that is not. And the example that searches as one types.
 */
import { join } from "node:path";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../workspace.mjs";
import { BROWSER_FLAGS } from "./browser-flags.mjs";
import { buildPage, serveFolder } from "./serve-build.mjs";
import { suiteOf } from "./suite.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const { skip, title } = suiteOf(
  "encoders in workers of Chromium",
  executablePath,
  "install Debian's, or set CHROMIUM",
);

describe.skipIf(skip)(title, () => {
  let browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: [...BROWSER_FLAGS, "--disable-gpu"] });
  });
  afterAll(() => browser?.close());

  describe.each([true, false])("isolated: %s", (isolated) => {
    const open = usePage(() => browser, "scripts/runtimes/worker-page", isolated);

    test("the vectors of the reference, on as many threads as there may be", async () => {
      const { info, rows, tokens, data, expected } = await open.page.evaluate(() =>
        globalThis.suite.vectors(),
      );
      expect(info.backend).toBe("wasm");
      expect(info.notes.filter((note) => note.includes("did not start"))).toEqual([]);
      const processors = await open.page.evaluate(() => navigator.hardwareConcurrency);
      expect(info.threads).toBe(isolated ? Math.min(processors, 8) : 1);
      expect(rows[0]).toBe(rows[1]);
      expect(tokens).toEqual([5, 2, 11, 5]);
      expect(data).toHaveLength(4 * 128);
      data.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 5));
    });

    test("errors, aborted calls, superseded calls", async () => {
      expect(await open.page.evaluate(() => globalThis.suite.errors())).toEqual({
        tooLong: [true, 1, 15],
        aborted: "no longer wanted",
        superseded: true,
        latest: 1,
        refused: "TypeError",
      });
    });

    test("a worker of the page's own; what is aborted is left between two runs", async () => {
      const { backend, rows } = await open.page.evaluate(() => globalThis.suite.rowsOfAborted());
      expect(backend).toBe("reference");
      expect(rows).toBeLessThan(2000); // of some 9,000
    });

    test("timers of the page fire while the worker works", async () => {
      expect(await open.page.evaluate(() => globalThis.suite.ticks())).toBeGreaterThan(5);
    });

    test("nothing was said on the console, thrown, or not found", () => {
      expect(open.complaints).toEqual([]);
    });

    test("when the worker throws, is terminated, or cannot be loaded, everything rejects", async () => {
      expect(await open.page.evaluate(() => globalThis.suite.thrown())).toEqual({
        waiting: ["WorkerLostError", "WorkerLostError"],
        later: true,
      });
      expect(await open.page.evaluate(() => globalThis.suite.terminated())).toBe("WorkerLostError");
      expect(await open.page.evaluate(() => globalThis.suite.absent())).toBe("WorkerLostError");
    });
  });

  describe("example: as-you-type", () => {
    const open = usePage(() => browser, "examples/as-you-type", true);

    test("each key finds pictures, at the cost of what is new", async () => {
      const { page } = open;
      await page.waitForSelector("#query:enabled");
      await page.locator("#query").pressSequentially("a small blue star");
      const status = page.locator("#status", { hasText: "“a small blue star”: " });
      await status.waitFor();
      expect(await page.locator("figcaption").first().textContent()).toMatch(/small blue star/);
      expect(await page.locator("#results img").count()).toBe(12);
      await page.waitForFunction(() => [...document.images].every((image) => image.naturalWidth === 128));
      await page.locator("#query").pressSequentially("s");
      await page.locator("#status", { hasText: "“a small blue stars”: " }).waitFor();
      expect(await page.locator("#status").textContent()).toMatch(/: [123] rows computed/);
    });

    test("nothing was said on the console, thrown, or not found", () => {
      expect(open.complaints).toEqual([]);
    });
  });
});

/** A page for the tests of a suite, with all that it complains about. */
function usePage(getBrowser, source, isolated) {
  const open = { page: undefined, complaints: [] };
  let built;
  let server;
  beforeAll(async () => {
    built = await buildPage(join(root, source));
    server = await serveFolder(built.folder, isolated);
    const page = await getBrowser().newPage();
    const complain = (what) => open.complaints.push(String(what));
    page.on("console", (message) => complain(`${message.type()}: ${message.text()}`));
    page.on("pageerror", complain);
    page.on("requestfailed", (request) => complain(`failed: ${request.url()}`));
    await page.goto(server.url);
    open.page = page;
  });
  afterAll(async () => {
    await open.page?.close();
    await server?.close();
    await built?.remove();
  });
  return open;
}
