import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BIN, lines, scratch, textower } from "./command.js";

/** `tokens` reads what `encode` reads, and is quicker. */
async function texts(stdin: string | Uint8Array, ...options: string[]): Promise<string[]> {
  const { code, text, stderr } = await textower(["tokens", "--format", "jsonl", ...options], { stdin });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return lines<{ text: string }>(text).map((line) => line.text);
}

describe("text", () => {
  const cases: [name: string, stdin: string | Uint8Array, prompts: string[]][] = [
    ["nothing", "", []],
    ["a line without end", "red", ["red"]],
    ["a line with end", "red\n", ["red"]],
    ["CR LF", "red\r\nblue\r\n", ["red", "blue"]],
    ["an empty line is the empty prompt", "red\n\nblue\n\n", ["red", "", "blue", ""]],
    ["spaces are kept", " red \n", [" red "]],
    ["a byte order mark goes", "\ufeffred\n\ufeffblue\n", ["red", "\ufeffblue"]],
    ["a carriage return within a line stays", "a\rb\n", ["a\rb"]],
    ["characters across chunks", "ä漢😀\n".repeat(30_000), Array.from({ length: 30_000 }, () => "ä漢😀")],
    ["JSON is only text", '"red"\n', ['"red"']],
  ];
  for (const [name, stdin, prompts] of cases) {
    test(name, async () => expect(await texts(stdin, "--input", "-")).toEqual(prompts));
  }

  test("standard input is read if there are no arguments, and a file like it", async () => {
    const file = join(scratch(), "prompts.txt");
    writeFileSync(file, "red\nblue");
    expect(await texts("red\nblue")).toEqual(["red", "blue"]);
    expect(await texts("", "--input", file)).toEqual(["red", "blue"]);
  });
});

describe("jsonl", () => {
  test("strings and objects", async () => {
    const stdin = '"red"\n{"text":"blue","id":7}\r\n""\n{"id":1,"text":"a\\nb\\ud800"}';
    expect(await texts(stdin, "--input-format", "jsonl")).toEqual(["red", "blue", "", "a\nb\ud800"]);
  });

  const bad: [stdin: string, line: number, got: string][] = [
    ['"red"\nblue\n', 2, "got no JSON"],
    ['"red"\n\n"blue"\n', 2, "got an empty line"],
    ["7\n", 1, "got a number"],
    ["null\n", 1, "got null"],
    ['"red"\n"blue"\n["green"]', 3, "got a list"],
    ['{"prompt":"red"}\n', 1, "got an object without it"],
    ['{"text":7}\n', 1, 'got an object whose "text" is no string'],
  ];
  for (const [stdin, line, got] of bad) {
    test(`${JSON.stringify(stdin)} is refused by its line`, async () => {
      for (const command of ["tokens", "encode"]) {
        const { code, stderr } = await textower([command, "--input-format", "jsonl"], { stdin });
        expect({ code, stderr }).toEqual({
          code: 2,
          stderr: `textower: stdin, line ${line}: expected a JSON string or an object with "text", ${got}\n`,
        });
      }
    });
  }
});

describe("bad input", () => {
  test("bytes that are not UTF-8", async () => {
    const stdin = Buffer.from("red\n\xff\xfe\n", "latin1");
    const { code, stderr } = await textower(["tokens"], { stdin });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: "textower: stdin, line 2: expected UTF-8, got other bytes\n",
    });
  });

  test("a line that never ends", async () => {
    const { code, stderr } = await textower(["tokens"], { stdin: Buffer.alloc(2 ** 24 + 2 ** 20, "a") });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^textower: stdin, line 1: expected at most 16777216 bytes, got more\n$/);
  });

  test("a prompt that is too long, by its place", async () => {
    const long = "word ".repeat(90);
    const file = join(scratch(), "prompts.txt");
    writeFileSync(file, `red\nblue\n${long}\n`);
    const cases = [
      [["red", long], "prompt 2"],
      [["--input", file], `${file}, line 3`],
    ] as const;
    for (const [args, where] of cases) {
      const { code, text, stderr } = await textower(["encode", ...args]);
      expect({ code, text, stderr }).toEqual({
        code: 2,
        text: "",
        stderr: `textower: ${where}: expected at most 77 tokens, got 92 (15 too many); shorten it, or pass --long-text truncate or windows\n`,
      });
    }
  });

  test("a file that is not there, or a directory", async () => {
    const directory = scratch();
    const missing = join(directory, "missing.txt");
    expect(await textower(["encode", "--input", missing])).toMatchObject({
      code: 2,
      stderr: `textower: ${missing}: cannot be opened: there is no such file\n`,
    });
    expect(await textower(["encode", "--input", directory])).toMatchObject({
      code: 2,
      stderr: `textower: ${directory}: expected a file, got a directory\n`,
    });
  });
});

test("a writer that goes on after an error does not hold the command up", async () => {
  const child = spawn(process.execPath, [BIN, "tokens", "--input-format", "jsonl"]);
  child.stdin.on("error", () => undefined);
  child.stdin.write("bad\n"); // and the pipe stays open
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect(code).toBe(2);
});
