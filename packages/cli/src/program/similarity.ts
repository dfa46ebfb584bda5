/** How `textower similarity` is called. */
import type { Command } from "commander";
import type { SimilarityOptions } from "../commands/similarity.js";
import type { Io } from "../io.js";
import {
  addTextOptions,
  addLongTextOptions,
  addModelOptions,
  addRunOptions,
  formatOption,
} from "../options.js";

const HELP = `
Cosines of every prompt with every other. Those of one model lie close together: compare them with one another, not with 1.

Formats:
  table   a matrix, with a shade from the least to the greatest
  jsonl   a line a prompt, in order: {"text", "similarities"}

Examples:
  $ textower similarity "a red circle" "a red disc" "a blue star"
  $ textower similarity --model ViT-B-32.safetensors --activation quick_gelu "a cat" "a kitten" "a dog"
`;

/** Adds the command. */
export function addSimilarity(program: Command, io: Io): void {
  const command = program
    .command("similarity")
    .description("how prompts compare with one another")
    .argument("<prompts...>");
  addModelOptions(command);
  addRunOptions(command);
  addTextOptions(command);
  addLongTextOptions(command)
    .addOption(formatOption(["table", "jsonl"]))
    .addHelpText("after", HELP)
    .action(async (prompts: string[], options: SimilarityOptions) => {
      const { similarity } = await import("../commands/similarity.js");
      await similarity(prompts, options, io);
    });
}
