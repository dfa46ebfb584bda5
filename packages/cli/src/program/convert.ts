/** How `textower convert` is called. */
import { Option } from "commander";
import type { Command } from "commander";
import type { ConvertOptions } from "../commands/convert.js";
import type { Io } from "../io.js";
import { addCheckpointOptions, formatOption, MODEL_NAMES, PRECISIONS } from "../options.js";

const HELP = `
Writes model.safetensors, with the text tower only, config.json and tokenizer.json, as transformers names them, and
says by how much the vectors of some prompts change.

Examples:
  $ textower convert ./clip-vit-base-patch32 --precision int8 --out ./vit-b-32-int8
  $ textower encode --model ./vit-b-32-int8 "a photo of a cat"
`;

/** Adds the command. */
export function addConvert(program: Command, io: Io): void {
  const command = program
    .command("convert")
    .description("a checkpoint's text tower in another precision")
    .argument("<checkpoint>", MODEL_NAMES);
  addCheckpointOptions(command)
    .addOption(
      new Option("--precision <name>", "how elements are stored").choices(PRECISIONS).makeOptionMandatory(),
    )
    .requiredOption("-o, --out <directory>", "where to write; files of these names are replaced")
    .addOption(formatOption(["table", "jsonl"]))
    .addHelpText("after", HELP)
    .action(async (checkpoint: string, options: ConvertOptions) => {
      const { convert } = await import("../commands/convert.js");
      await convert(checkpoint, options, io);
    });
}
