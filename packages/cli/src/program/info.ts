/** How `textower info` is called. */
import { Argument } from "commander";
import type { Command } from "commander";
import type { InfoOptions } from "../commands/info.js";
import type { Io } from "../io.js";
import { addCheckpointOptions, formatOption, MODEL_NAMES } from "../options.js";

const HELP = `
Examples:
  $ textower info
  $ textower info ViT-B-32.safetensors
  $ textower info ./clip-vit-base-patch32 --format jsonl
`;

/** Adds the command. */
export function addInfo(program: Command, io: Io): void {
  const command = program
    .command("info")
    .description("what is known of a checkpoint")
    .addArgument(new Argument("[checkpoint]", MODEL_NAMES).default("shapes"));
  addCheckpointOptions(command)
    .addOption(formatOption(["table", "jsonl"]))
    .addHelpText("after", HELP)
    .action(async (checkpoint: string, options: InfoOptions) => {
      const { info } = await import("../commands/info.js");
      await info(checkpoint, options, io);
    });
}
