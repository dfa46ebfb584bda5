/** The example of search as you type, built and driven in Chromium: the encoder in `textower/worker`, queries that overtake. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSER_FLAGS } from "../runtimes/browser-flags.mjs";
import { suiteOf } from "../runtimes/suite.mjs";
import { root } from "../workspace.mjs";

const folder = join(root, "examples/as-you-type");
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
};

const { skip, title } = suiteOf(
  "search as you type in Chromium",
  executablePath,
  "install Debian's, or set CHROMIUM",
);
describe.skipIf(skip)(title, () => {
  let browser;
  let server;
  let page;
  const complaints = [];
  beforeAll(async () => {
    const env = { ...process.env, NODE_ENV: "production" };
    execFileSync("pnpm", ["exec", "vite", "build", "--logLevel", "warn"], {
      cwd: folder,
      env,
      stdio: "pipe",
    });
    server = createServer((request, response) => {
      const { pathname } = new URL(request.url, "http://localhost");
      const path = join(folder, "dist", pathname === "/" ? "index.html" : pathname);
      if (!existsSync(path)) return response.writeHead(404).end();
      const type = TYPES[extname(path)] ?? "application/octet-stream";
      response.writeHead(200, { "Content-Type": type }).end(readFileSync(path));
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    browser = await chromium.launch({ executablePath, args: BROWSER_FLAGS });
    page = await browser.newPage();
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
  });
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  test("what is typed last stands first", async () => {
    const best = page.locator("img").first();
    for (const [query, expected] of [
      ["a yellow heart", /yellow heart/],
      ["a purple ring", /purple ring/],
    ]) {
      await page.fill("input", "");
      await page.locator("input").pressSequentially(query, { delay: 5 });
      await expect
        .poll(async () => `${await best.getAttribute("alt")}`, { timeout: 20_000 })
        .toMatch(expected);
    }
    expect(complaints).toEqual([]);
  });
});
