/** How `textower tokens` is called. */
import type { Command } from "commander";
import type { TokensOptions } from "../commands/tokens.js";
import type { Io } from "../io.js";
import { addCheckpointOptions, addInputOptions, addTextOptions, formatOption } from "../options.js";

const HELP = `
A prompt of any length is shown whole, with the place where what fits ends.

Formats:
  table   a line a token: place, id, piece, and what it stands for in the prompt
  jsonl   a line a prompt, in order: {"text", "ids", "endOfText"}

Examples:
  $ textower tokens "a photo of a cat"
  $ textower tokens --cleaning huggingface "&lt;b&gt; ｆｕｌｌ　ｗｉｄｔｈ"
  $ textower tokens --input prompts.txt --format jsonl
`;

/** Adds the command. */
export function addTokens(program: Command, io: Io): void {
  const command = program.command("tokens").description("ids and pieces of prompts").argument("[prompts...]");
  addInputOptions(command);
  addTextOptions(command);
  addCheckpointOptions(command)
    .option("-m, --model <model>", "take the number of tokens that fit from a checkpoint, instead of 77")
    .addOption(formatOption(["table", "jsonl"]))
    .option("-o, --output <file>", "write to a file, which appears when it is complete")
    .addHelpText("after", HELP)
    .action(async (prompts: string[], options: TokensOptions) => {
      const { tokens } = await import("../commands/tokens.js");
      await tokens(prompts, options, io);
    });
}
