/** The page in headless Chromium, Debian's or the one that CHROMIUM names: clicked through, and what it leaves to save. */
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { chromium } from "playwright-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseReport } from "../src/index.js";
import type { BenchmarkReport } from "../src/index.js";
import { servePage } from "../dist/node/serve.js";
import type { ServedPage } from "../dist/node/serve.js";

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const absent = !existsSync(executablePath) && process.env["CI"] !== "true";
const title = absent ? "Chromium (skipped: install Debian's, or set CHROMIUM)" : "Chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
/** What is measured, in the page's order. */
const CHOSEN = ["wasm", "wasm int8", "onnx on onnxruntime-web, wasm", "tfjs, wasm"];
/** Where screenshots go, to be looked at. */
const SHOTS = process.env["TEXTOWER_SCREENSHOTS"];

describe.skipIf(absent)(title, () => {
  let served: ServedPage;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  beforeAll(async () => {
    served = await servePage(0);
    browser = await chromium.launch({ executablePath, args: FLAGS });
    page = await browser.newPage({ viewport: { width: 1100, height: 900 } });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(served.url);
  });
  afterAll(async () => {
    await browser?.close();
    await served?.close();
  });

  const shoot = async (name: string): Promise<void> => {
    if (SHOTS === undefined) return;
    await mkdir(SHOTS, { recursive: true });
    await page.screenshot({ path: `${SHOTS}/benchmark-${name}.png`, fullPage: true });
  };
  const save = async (selector: string): Promise<Buffer> => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.click(selector)]);
    return readFile(await download.path());
  };

  it("lists the backends that are here, and says why others are not", async () => {
    await page.waitForSelector("#run:enabled");
    const names = await page
      .locator("input[name=contestant]")
      .evaluateAll((boxes) => boxes.map((box) => (box as HTMLInputElement).value));
    expect(names).toEqual(
      expect.arrayContaining([
        "wasm",
        "wasm float16",
        "wasm int8",
        "onnx on onnxruntime-web, wasm",
        "tfjs, wasm",
      ]),
    );
    const absentees = await page.locator(".absent").allTextContents();
    expect(absentees).toContainEqual(expect.stringMatching(/^webgpu: ./));
    await shoot("before");
  });

  let report: BenchmarkReport;
  it("measures what is chosen, and shows a table and a chart", async () => {
    // What else is there, such as WebGL in software, depends on the machine.
    for (const box of await page.locator("input[name=contestant]").all()) {
      await box.setChecked(CHOSEN.includes((await box.getAttribute("value"))!));
    }
    await page.fill("input[name=rounds]", "1");
    await page.click("#run");
    await page.waitForSelector("#results:visible", { timeout: 120_000 });
    expect(await page.locator("#failure").isVisible()).toBe(false);
    expect(await page.locator("#failures li").allTextContents()).toEqual([]);
    const rows = await page.locator("#table tbody tr").allTextContents();
    expect(rows).toHaveLength(CHOSEN.length);
    expect(rows[0]).toMatch(/^wasm/);
    await shoot("after");
    report = parseReport(String(await save("#save-json")));
    expect(report.contestants.map(({ name }) => name)).toEqual(CHOSEN);
    expect(report.machine).toMatchObject({ isolated: "yes" });
    for (const { deviation, precision } of report.contestants) {
      expect(deviation!.maximum).toBeLessThan(precision === "int8" ? 0.05 : 1e-4);
    }
  });

  it("leaves charts to save", async () => {
    expect(String(await save("#save-svg"))).toMatch(/^<svg/);
    expect([...(await save("#save-png")).subarray(1, 4)]).toEqual([..."PNG"].map((c) => c.charCodeAt(0)));
  });

  it("compares with an earlier report, and says what is none", async () => {
    const file = (name: string, content: string) => ({
      name,
      mimeType: "application/json",
      buffer: Buffer.from(content),
    });
    await page.setInputFiles("#earlier", file("earlier.json", JSON.stringify(report)));
    await page.waitForSelector("#comparison:visible");
    expect(await page.locator("#comparison").textContent()).toMatch(/\| wasm +\| 1\.00 /);
    await page.setInputFiles("#earlier", file("none.json", "{}"));
    await page.waitForSelector("#failure:visible");
    expect(await page.locator("#failure").textContent()).toMatch(/^none\.json: expected a report/);
  });

  it("stops when it is told to", async () => {
    await page.fill("input[name=rounds]", "50");
    await page.click("#run");
    await page.click("#stop");
    await page.waitForSelector("#run:enabled", { timeout: 60_000 });
    expect(await page.locator("#failure").isVisible()).toBe(false);
  });

  it("serves nothing else", async () => {
    for (const path of [
      "package.json",
      "..%2fpackage.json",
      "runtimes/vitest/dist/index.js",
      "runtimes/onnxruntime-web/dist/..%2f..%2fpackage.json",
    ]) {
      expect((await fetch(new URL(path, served.url))).status).toBe(404);
    }
  });

  it("complained of nothing", () => expect(complaints).toEqual([]));
});
