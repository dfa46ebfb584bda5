/** The example of search as you type, built and driven in Chromium: the encoder in `textower/worker`, queries that overtake. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSER_FLAGS } from "../runtimes/browser-flags.mjs";
import { suiteOf } from "../runtimes/suite.mjs";
import { root } from "../workspace.mjs";
import { serveSite } from "./static-site.mjs";

const folder = join(root, "examples/as-you-type");
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
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
    server = await serveSite(join(folder, "dist"), false);
    browser = await chromium.launch({ executablePath, args: BROWSER_FLAGS });
    page = await browser.newPage();
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(server.url);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
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
