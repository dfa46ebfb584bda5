/** The playground, built and served as plain files, and a Chromium to drive it with. */
import { join } from "node:path";
import { chromium } from "playwright-core";
import { BROWSER_FLAGS } from "../runtimes/browser-flags.mjs";
import { buildPage } from "../runtimes/serve-build.mjs";
import { root } from "../workspace.mjs";
import { serveSite } from "./static-site.mjs";

export const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
/** Milliseconds that anything may take on a busy machine. */
const PATIENCE = 120_000;
/** What gives a headless Chromium without a GPU a WebGPU adapter. */
export const WEBGPU_FLAGS = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/**
 * Builds the playground for users, not for tests.
 * @returns as `buildPage`
 */
export async function buildPlayground() {
  const before = process.env.NODE_ENV;
  process.env.NODE_ENV = "production";
  try {
    return await buildPage(join(root, "examples/playground"));
  } finally {
    process.env.NODE_ENV = before;
  }
}

/**
 * Serves a built playground and starts a browser.
 * @param {string} folder - of the build
 * @param {{ flags?: string[], isolated?: boolean }} options - further flags; whether pages are cross-origin isolated
 */
export async function startPlayground(folder, { flags = [], isolated = true } = {}) {
  const server = await serveSite(folder, isolated);
  const browser = await chromium.launch({ executablePath, args: [...BROWSER_FLAGS, ...flags] });
  /** Errors that nobody caught, of every page. */
  const complaints = [];
  return {
    server,
    complaints,
    /**
     * A page of a new context, once it has a result or says why not.
     * `query`: what follows the address; `watch`: a function that runs in the page before anything else
     */
    async open({ query = "", watch, ...options } = {}) {
      const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
      context.setDefaultTimeout(PATIENCE);
      const page = await context.newPage();
      page.on("pageerror", (error) => complaints.push(String(error)));
      if (watch !== undefined) await page.addInitScript(watch);
      await page.goto(server.url + query);
      await page.waitForSelector("#gallery li .score:not(:empty), #failure:visible");
      return page;
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** When there are ranked pictures. */
export const firstResult = (page) => page.waitForSelector("#gallery li .score:not(:empty)");

/** Types a query, and waits for its answer. */
export async function searchFor(page, query) {
  await page.fill("#query", query);
  await answerTo(page, query);
}

/** When the pictures are ranked by a query. */
export const answerTo = (page, query) =>
  page.waitForFunction(
    (begin) => document.querySelector("#search-status").textContent.startsWith(begin),
    `“${query}”`,
  );

/** Opens the settings, fills them in, loads, and waits for the outcome. @returns the failure that is shown, or "" */
export async function load(page, settings) {
  if (!(await page.locator("#model-form").isVisible())) await page.click("#settings summary");
  for (const [name, value] of Object.entries(settings)) {
    if (name === "model") await page.fill("input[name=model]", value);
    else await page.selectOption(`select[name=${name}]`, value);
  }
  await page.click("#model-form button[type=submit]");
  await page.waitForFunction(() => !document.querySelector("#model-form button[type=submit]").disabled);
  const failure = page.locator("#failure");
  return (await failure.isVisible()) ? failure.textContent() : "";
}

/** What runs, in words. */
export const running = (page) => page.locator("#running").textContent();
