/** `textower serve` as a process: what it says, what it answers, how it ends. */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { BIN, scratch, textower } from "./command.js";
import { post, serve } from "./served.js";

const golden = JSON.parse(
  readFileSync(new URL("../../model-shapes/test/data/golden.json", import.meta.url), "utf8"),
) as { captions: { text: string; ids: number[]; embedding: number[] }[] };
const texts = golden.captions.map(({ text }) => text);

test.each(["wasm", "onnx", "reference"])("serves golden vectors on %s, and ends with 0", async (backend) => {
  const { child, url, lines, end, stderr } = await serve(["--backend", backend]);
  expect(lines[0]).toMatch(new RegExp(`^shapes on ${backend} `));
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
  const response = await post(url, { model: "shapes", input: texts });
  const { data, usage } = (await response.json()) as {
    data: { embedding: number[] }[];
    usage: { prompt_tokens: number };
  };
  golden.captions.forEach(({ embedding }, i) => {
    const length = Math.hypot(...embedding);
    data[i]!.embedding.forEach((value, at) => expect(value).toBeCloseTo(embedding[at]! / length, 5));
  });
  expect(usage.prompt_tokens).toBe(golden.captions.reduce((sum, { ids }) => sum + ids.length, 0));
  child.kill("SIGTERM");
  expect({ code: await end, stderr: stderr() }).toEqual({ code: 0, stderr: "" });
});

test("health is answered while the model computes, and what runs is finished", async () => {
  const { child, url, end } = await serve(["--backend", "reference", "--shutdown-seconds", "150"]); // slow
  let answered = false;
  const input = Array.from({ length: 120 }, (_, i) => `${i} rings and ${i * 7} hearts`);
  const running = post(url, { model: "shapes", input }).then((response) => {
    answered = true;
    return response;
  });
  const metrics = async (): Promise<string> => (await fetch(url.replace("/v1", "/metrics"))).text();
  while (!/^textower_batches [1-9]/m.test(await metrics()))
    await new Promise((resolve) => setTimeout(resolve, 5));
  expect((await fetch(url.replace("/v1", "/healthz"))).status).toBe(200);
  expect(answered).toBe(false);
  child.kill("SIGINT");
  expect(((await (await running).json()) as { data: object[] }).data).toHaveLength(120);
  expect(await end).toBe(0);
});

test("names, keys of the environment and of a file, origins", async () => {
  const keys = join(scratch(), "keys");
  writeFileSync(keys, "second\r\nthird\n");
  const { url } = await serve(
    ["--name", "clip", "--alias", "a", "b", "--api-key-file", keys, "--cors", "https://example.org"],
    { TEXTOWER_API_KEY: "first" },
  );
  expect((await post(url, { model: "clip", input: "a" })).status).toBe(401);
  for (const [i, key] of ["first", "second", "third"].entries()) {
    const headers = { authorization: `Bearer ${key}`, origin: "https://example.org" };
    const response = await post(url, { model: ["clip", "a", "b"][i], input: "a" }, headers);
    expect(await response.json()).toMatchObject({ model: "clip" });
    expect(response.headers.get("access-control-allow-origin")).toBe("https://example.org");
  }
});

test("a warning where strangers may come in", async () => {
  const { child, end, stderr } = await serve(["--host", "0.0.0.0"]);
  child.kill("SIGTERM");
  await end;
  expect(stderr()).toMatch(/^textower: warning: anybody who reaches 0\.0\.0\.0 can use this server/);
});

test("ends with 1 where it cannot listen, with 2 where options are at fault", async () => {
  const { url } = await serve();
  const empty = join(scratch(), "keys");
  writeFileSync(empty, "\n");
  const cases: [args: string[], code: number, message: RegExp][] = [
    [["--port", new URL(url).port], 1, /EADDRINUSE/],
    [["--port", "65536"], 2, /port from 0 to 65535/],
    [["--api-key-file", empty], 2, /expected keys, got none/],
    [["--api-key-file", join(scratch(), "none")], 2, /cannot be read/],
    [["--backend", "onnx", "--precision", "int8"], 1, /expected precision float32 or float16/],
    [["--model", join(scratch(), "none.safetensors")], 1, /no such file/],
  ];
  for (const [args, code, message] of cases) {
    const outcome = await textower(["serve", ...args]);
    expect(outcome).toMatchObject({ code, text: "" });
    expect(outcome.stderr).toMatch(/^textower: [^\n]+\n$/);
    expect(outcome.stderr).toMatch(message);
  }
});

test("ends with 1 when the model's thread is lost", async () => {
  const preload = fileURLToPath(new URL("lose-worker.cjs", import.meta.url));
  const { child, url, end, stderr } = await serve([], { NODE_OPTIONS: `--require ${preload}` });
  expect((await post(url, { model: "shapes", input: "a" })).status).toBe(200);
  child.kill("SIGUSR2");
  let status = 200;
  while (status === 200) ({ status } = await post(url, { model: "shapes", input: "a" }));
  expect(status).toBe(500);
  expect(await end).toBe(1);
  expect(stderr()).toMatch(/^textower: [^\n]*expected an answer of the worker, but it ended\n$/);
});

test("SIGTERM ends other commands with 143", async () => {
  const child = spawn(process.execPath, [BIN, "tokens", "--format", "jsonl"]);
  child.stdin.write("red\n");
  child.stdout.once("data", () => child.kill("SIGTERM"));
  expect(await new Promise((resolve) => child.on("close", resolve))).toBe(143);
});
