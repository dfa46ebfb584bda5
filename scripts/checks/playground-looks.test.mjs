/**
 * The playground as it looks: on a desktop and a phone, light and dark, where something is missing, and whether anybody is
 * left out. `TEXTOWER_SCREENSHOTS=FOLDER` keeps pictures of every panel, to be looked at.
 */
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { suiteOf } from "../runtimes/suite.mjs";
import { buildPlayground, executablePath, load, startPlayground } from "./playground-site.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core");
const SHOTS = process.env.TEXTOWER_SCREENSHOTS;
const TABS = ["search", "compare", "classify", "tokens", "pictures"];

const { skip, title } = suiteOf(
  "the looks of the playground in Chromium",
  executablePath,
  "install Debian's, or set CHROMIUM",
);
describe.skipIf(skip)(title, () => {
  let site;
  let playground;
  beforeAll(async () => {
    site = await buildPlayground();
    playground = await startPlayground(site.folder, { isolated: false });
  });
  afterAll(async () => {
    await playground?.close();
    await site?.remove();
  });

  test.each([
    ["desktop", { viewport: { width: 1200, height: 900 } }],
    ["phone", { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }],
  ])("nobody is left out: %s, light and dark", async (device, options) => {
    const page = await playground.open({ ...options, colorScheme: "light" });
    await page.addScriptTag({ path: AXE });
    for (const tab of TABS) {
      await page.click(`#tab-${tab}`);
      if (tab === "search") await page.click("#settings summary");
      if (tab === "compare") await page.waitForSelector("#trie svg");
      if (tab === "classify") await page.waitForSelector("#bars li");
      if (tab === "tokens") await page.waitForSelector("#token-list li");
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        // Nothing but contrast depends on the colours.
        const rules = colorScheme === "light" ? {} : { runOnly: ["color-contrast"] };
        const { violations } = await page.evaluate((options) => globalThis.axe.run(options), rules);
        const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        expect(
          serious.map(({ id, nodes }) => `${tab}: ${id}: ${nodes.map(({ html }) => html).join(" ")}`),
        ).toEqual([]);
        await shoot(`${tab}-${device}-${colorScheme}`, page);
      }
      // Nothing sticks out of a phone.
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      if (tab === "search") await page.click("#settings summary");
    }
    await page.context().close();
  });

  test("without isolation it says so, and what to do; a second visit has threads", async () => {
    const page = await playground.open();
    expect(await page.locator("#running").textContent()).toContain("1 thread");
    expect(await page.locator("#notes").textContent()).toMatch(/^One thread: .*isolated.* Reload it/);
    await page.waitForSelector("#offline:not(:empty)");
    await page.reload();
    await page.waitForSelector("#gallery li .score:not(:empty)");
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(await page.locator("#notes").isVisible()).toBe(false);
    await page.context().close();
  });

  test("without WebGPU it cannot be picked, and the page says why", async () => {
    const page = await playground.open();
    await page.click("#settings summary");
    await page.waitForSelector("#webgpu-missing:visible");
    expect(await page.locator("#webgpu-missing").textContent()).toMatch(/^WebGPU cannot be picked: /);
    expect(await page.locator('option[value="webgpu"]').isDisabled()).toBe(true);
    await shoot("without-webgpu", page);
    await page.context().close();
  });

  test("a link to WebGPU says why it does not work here, and another backend can be loaded", async () => {
    const page = await playground.open({ query: "?backend=webgpu" });
    expect(await page.locator("#failure").textContent()).toMatch(/webgpu: expected/);
    expect(await page.locator("#running").textContent()).toBe("No model yet");
    await shoot("failure", page);
    expect(await load(page, { backend: "wasm" })).toBe("");
    await page.waitForSelector("#gallery li .score:not(:empty)");
    await page.context().close();
  });

  test("complained of nothing", () => expect(playground.complaints).toEqual([]));

  async function shoot(name, page) {
    if (SHOTS === undefined) return;
    mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
  }
});
