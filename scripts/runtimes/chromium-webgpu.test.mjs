/** The suite on WebGPU in headless Chromium, on the software adapter that comes with it. */
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSER_FLAGS } from "./browser-flags.mjs";
import { serve } from "./serve.mjs";
import { suiteOf } from "./suite.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [...BROWSER_FLAGS, "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

const { skip, title } = suiteOf("Chromium, WebGPU", executablePath, "install Debian's, or set CHROMIUM");

describe.skipIf(skip)(title, () => {
  let browser;
  let server;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: FLAGS });
    server = await serve(false);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  test("conforms, and complains about nothing", async () => {
    const page = await browser.newPage();
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    await page.goto(server.url);
    const { ran, failures } = await page.evaluate(() => globalThis.runWebgpuCases());
    expect(failures).toEqual([]);
    expect(ran).toBeGreaterThan(80);
    expect(complaints).toEqual([]);
  });
});
