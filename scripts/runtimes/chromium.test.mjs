/**
 * The suite in headless Chromium, Debian's or the one that CHROMIUM names: in a cross-origin isolated page, in a worker
 * of such a page, and in a page that is not isolated and so has one thread.
 */
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSER_FLAGS } from "./browser-flags.mjs";
import { CONFIGURATIONS } from "./cases.mjs";
import { serve } from "./serve.mjs";
import { expectConformance, suiteOf } from "./suite.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
/** No GPU is needed. */
const FLAGS = [...BROWSER_FLAGS, "--disable-gpu"];

const { skip, title } = suiteOf("Chromium", executablePath, "install Debian's, or set CHROMIUM");

describe.skipIf(skip)(title, () => {
  let browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: FLAGS });
  });
  afterAll(() => browser?.close());

  describe("isolated", () => {
    const open = usePage(() => browser, true);
    testConformance(open, true);

    test("threaded, called from a worker", async () => {
      expectConformance("threaded", await open.page.evaluate(inWorker, "threaded"));
    });

    test("timers fire while threads run", async () => {
      expect(await open.page.evaluate(() => globalThis.suite.countTicks(2))).toBeGreaterThan(0);
    });

    testSilence(open);
  });

  describe("not isolated", () => {
    const open = usePage(() => browser, false);
    testConformance(open, false);
    testSilence(open);
  });
});

/** A page for the tests of a suite, with all that it complains about. */
function usePage(getBrowser, isolated) {
  const open = { page: undefined, complaints: [] };
  let server;
  beforeAll(async () => {
    server = await serve(isolated);
    const page = await getBrowser().newPage();
    const complain = (what) => open.complaints.push(String(what));
    page.on("console", (message) => complain(`${message.type()}: ${message.text()}`));
    page.on("pageerror", complain);
    page.on("crash", () => complain("the page crashed"));
    page.on("requestfailed", (request) => complain(`failed: ${request.url()}`));
    await page.goto(server.url);
    open.page = page;
  });
  afterAll(async () => {
    await open.page?.close();
    await server?.close();
  });
  return open;
}

function testConformance(open, isolated) {
  test("the page is what the headers make it", async () => {
    expect(await open.page.evaluate(() => globalThis.crossOriginIsolated)).toBe(isolated);
  });

  for (const name of Object.keys(CONFIGURATIONS)) {
    test(name, async () => {
      const outcome = await open.page.evaluate((name) => globalThis.suite.runCases(name), name);
      expectConformance(name, outcome, isolated);
    });
  }
}

function testSilence(open) {
  test("nothing was said on the console, thrown, or not found", () => {
    expect(open.complaints).toEqual([]);
  });
}

/** Runs in the page, as what `evaluate` is given does. */
function inWorker(name) {
  const worker = new Worker("/scripts/runtimes/in-worker.mjs", { type: "module" });
  return new Promise((resolve) => {
    worker.addEventListener("message", ({ data }) => resolve(data));
    worker.addEventListener("error", ({ message }) => resolve({ error: message }));
    worker.postMessage(name);
  }).finally(() => worker.terminate());
}
