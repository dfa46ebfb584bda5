/** How `textower encode` is called. */
import type { Command } from "commander";
import type { EncodeOptions } from "../commands/encode.js";
import type { Io } from "../io.js";
import {
  addInputOptions,
  addLongTextOptions,
  addModelOptions,
  addRunOptions,
  addTextOptions,
  formatOption,
} from "../options.js";

const HELP = `
Prompts are the arguments, or the lines of --input, or of standard input where that is no terminal.
An empty line is the empty prompt; the end of the last line begins no further one. Text is UTF-8.

Formats:
  table   for people: vectors in short and, with the shapes model, the nearest pictures of its gallery
  jsonl   a line a prompt, in order: {"text", "tokens", "cut", "windows", "embedding"}
  npy     a float32 array [prompts, numbers] for numpy.load

Examples:
  $ textower encode "a red circle"
  $ textower encode --input prompts.txt --format jsonl > embeddings.jsonl
  $ textower encode --input prompts.txt --format npy --output embeddings.npy
  $ textower encode --backend onnx --threads 2 --no-normalize "a red circle"
  $ textower encode --model ./clip-vit-base-patch32 --precision int8 "a photo of a cat"
  $ textower encode -- "-- a prompt that begins with a dash"
`;

/** Adds the command. */
export function addEncode(program: Command, io: Io): void {
  const command = program.command("encode").description("embeddings of prompts").argument("[prompts...]");
  addInputOptions(command);
  addModelOptions(command);
  addRunOptions(command);
  addTextOptions(command);
  addLongTextOptions(command)
    .option("--no-normalize", "leave embeddings at their own length")
    .addOption(formatOption(["table", "jsonl", "npy"]))
    .option("-o, --output <file>", "write to a file, which appears when it is complete")
    .addHelpText("after", HELP)
    .action(async (prompts: string[], options: EncodeOptions) => {
      const { encode } = await import("../commands/encode.js");
      await encode(prompts, options, io);
    });
}
