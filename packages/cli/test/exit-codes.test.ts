import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BIN, onTerminal, scratch, textower } from "./command.js";

describe("usage", () => {
  const cases: [args: string[], message: RegExp][] = [
    [["encode", "--fromat", "jsonl", "red"], /unknown option '--fromat'.*--format/],
    [["encod", "red"], /unknown command 'encod'.*encode/],
    [["encode", "--format", "xml", "red"], /'xml' is invalid.*table, jsonl, npy/],
    [["encode", "--backend", "cuda", "red"], /'cuda' is invalid.*auto, wasm, onnx, reference/],
    [["encode", "--precision", "int4", "red"], /'int4' is invalid/],
    [["encode", "--activation", "relu", "red"], /'relu' is invalid/],
    [["encode", "--cleaning", "none", "red"], /'none' is invalid/],
    [["encode", "--threads", "0", "red"], /'0' is invalid.*whole number from 1/],
    [["encode", "--threads", "2x", "red"], /'2x' is invalid/],
    [["encode", "--input", "-", "red"], /expected prompts or --input, got both/],
    [["encode", "--output"], /argument missing/],
    [["search"], /missing required argument/],
    [["search", "--top", "-1", "red"], /'-1' is invalid/],
    [["search", "--sheet", "hits.gif", "red"], /expected --sheet FILE.png or FILE.html, got hits.gif/],
    [["info", "a", "b"], /too many arguments/],
  ];
  for (const [args, message] of cases) {
    test(args.join(" "), async () => {
      const { code, text, stderr } = await textower(args);
      expect({ code, text }).toEqual({ code: 2, text: "" });
      expect(stderr).toMatch(/^textower: [^\n]+\n$/); // one line
      expect(stderr).toMatch(message);
    });
  }

  test("no command prints the help", async () => {
    const { code, text, stderr } = await textower([]);
    expect({ code, text }).toEqual({ code: 2, text: "" });
    expect(stderr).toMatch(/^Usage: textower /);
  });

  test("no prompts on a terminal", async () => {
    for (const command of ["encode", "tokens"]) {
      const { code, stderr } = await onTerminal([command]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^textower: expected prompts, such as "a red circle", or --input FILE/);
    }
  });
});

describe("failure", () => {
  test("no checkpoint, another kind of file, a full disk", async () => {
    const directory = scratch();
    const page = join(directory, "model.safetensors");
    writeFileSync(page, "<!doctype html><html></html>");
    const cases: [args: string[], message: RegExp][] = [
      [["encode", "--model", join(directory, "none.safetensors"), "red"], /no such file/],
      [["encode", "--model", page, "red"], /web page/],
      [["info", page], /web page/],
      [
        ["encode", "--backend", "onnx", "--precision", "int8", "red"],
        /expected precision float32 or float16, got int8/,
      ],
      [["encode", "--output", join(directory, "no", "such", "directory"), "red"], /ENOENT/],
      [["encode", "--output", "/dev/full", "red"], /ENOSPC/],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await textower(args);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^textower: [^\n]+\n$/);
      expect(stderr).toMatch(message);
    }
  });

  test("--debug and TEXTOWER_DEBUG show where it came from", async () => {
    const args = ["info", "none.safetensors"];
    const [quiet, ...loud] = await Promise.all([
      textower(args),
      textower([...args, "--debug"]),
      textower(["--debug", ...args]),
      textower(args, { env: { TEXTOWER_DEBUG: "1" } }),
    ]);
    expect(quiet.stderr).not.toContain("    at ");
    for (const { code, stderr } of loud) {
      expect(code).toBe(1);
      expect(stderr).toContain("    at ");
    }
  });
});

describe("success", () => {
  test("help has examples and exit codes, version a version", async () => {
    for (const command of [[], ["encode"], ["tokens"], ["search"], ["info"]]) {
      const { code, text, stderr } = await textower([...command, "--help"]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(text).toContain("Examples:\n  $ textower ");
    }
    expect((await textower(["--help"])).text).toContain("Exit codes:");
    expect(await textower(["--version"])).toMatchObject({ code: 0, stderr: "" });
  });

  test("a reader that has seen enough", async () => {
    for (const args of [["tokens"], ["encode", "--format", "jsonl"]]) {
      const child = spawn(process.execPath, [BIN, ...args]);
      let stderr = "";
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      child.stdin.on("error", () => undefined);
      child.stdin.end("a red circle\n".repeat(20_000));
      child.stdout.once("data", () => child.stdout.destroy());
      const code = await new Promise((resolve) => child.on("close", resolve));
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    }
  });
});

test("an interrupt ends a command that waits for input", async () => {
  const child = spawn(process.execPath, [BIN, "tokens", "--format", "jsonl"]);
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.write("red\n");
  child.stdout.once("data", () => child.kill("SIGINT")); // the pipe stays open
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect({ code, stderr }).toEqual({ code: 130, stderr: "textower: interrupted\n" });
});
