/**
 * In headless Chromium, Debian's or the one that CHROMIUM names: directories as browsers hand them out, and dropped files.
 */
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { chromium } from "playwright-core";
import type { Browser, Page } from "playwright-core";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as Weights from "../src/index.js";
import { expectedTensors, golden } from "./golden.js";

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const absent = !existsSync(executablePath) && process.env["CI"] !== "true";
const title = absent ? "Chromium (skipped: install Debian's, or set CHROMIUM)" : "Chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
const PAGE =
  '<!doctype html><link rel="icon" href="data:,"><script type="module">import * as weights from "/weights.js"; globalThis.weights = weights;</script>';
const NAME = "transformer.resblocks.1.attn.in_proj_weight";

describe.skipIf(absent)(title, () => {
  let server: Server;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const input = new URL("../dist/index.js", import.meta.url).pathname;
    const bundle = await rolldown({ input, platform: "browser", external: /^node:/ });
    const { output } = await bundle.generate({ format: "esm", codeSplitting: false });
    await bundle.close();
    const files: Record<string, [string, string | Uint8Array]> = {
      "/": ["text/html", PAGE],
      "/weights.js": ["text/javascript", output[0].code],
      "/model.safetensors": ["application/octet-stream", golden("micro.hf")],
    };
    server = createServer((request, response) => {
      const [type, body] = files[request.url!]!;
      response.writeHead(200, { "Content-Type": type }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    browser = await chromium.launch({ executablePath, args: FLAGS });
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => "weights" in globalThis);
  });
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  it.each(["a directory handle", "a list of files", "a file handle's file"])("%s opens", async (from) => {
    const { values, config } = await page.evaluate(
      async ([from, name]) => {
        const { weights } = globalThis as unknown as { weights: typeof Weights };
        const bytes = await (await fetch("/model.safetensors")).arrayBuffer();
        const root = await navigator.storage.getDirectory();
        const directory = await root.getDirectoryHandle("model", { create: true });
        const write = async (file: string, content: BufferSource | string): Promise<File> => {
          const handle = await directory.getFileHandle(file, { create: true });
          const stream = await handle.createWritable();
          await stream.write(content);
          await stream.close();
          return handle.getFile();
        };
        const config = JSON.stringify({
          model_type: "clip_text_model",
          hidden_size: 64,
          intermediate_size: 256,
          num_hidden_layers: 2,
          num_attention_heads: 1,
          vocab_size: 1024,
          eos_token_id: 1023,
        });
        const files = [await write("model.safetensors", bytes), await write("config.json", config)];
        const alone = from === "a file handle's file";
        const source = from === "a directory handle" ? directory : alone ? files[0]! : files;
        const checkpoint = await weights.openCheckpoint(
          source,
          alone ? { activation: "quick_gelu", heads: 1 } : {},
        );
        const { data } = await checkpoint.read(name);
        await checkpoint.close();
        return { values: [...data], config: checkpoint.origins.heads };
      },
      [from, NAME] as const,
    );
    expect(values).toEqual([...expectedTensors("micro").get(NAME)!.values]);
    expect(config).toBe(from === "a file handle's file" ? "option" : "config.json");
  });
});
