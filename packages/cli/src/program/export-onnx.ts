/** How `textower export-onnx` is called. */
import { Option } from "commander";
import type { Command } from "commander";
import type { ExportOnnxOptions } from "../commands/export-onnx.js";
import type { Io } from "../io.js";
import { addCheckpointOptions, formatOption, MODEL_NAMES } from "../options.js";

const HELP = `
Writes onnx/text_model.onnx (text_model_fp16.onnx for float16), config.json, tokenizer.json and tokenizer_config.json,
as transformers.js loads a CLIPTextModelWithProjection: input_ids int64 [batch, sequence] to text_embeds. Weights of 2 GiB
and more lie beside the model in a file that ends in _data.

Examples:
  $ textower export-onnx ViT-B-32.pt --activation quick_gelu --out ./vit-b-32-onnx
  $ textower export-onnx ./open_clip_vit_l_14 --precision float16 --out ./vit-l-14-onnx
`;

/** Adds the command. */
export function addExportOnnx(program: Command, io: Io): void {
  const command = program
    .command("export-onnx")
    .description("a checkpoint's text tower as an ONNX model")
    .argument("<checkpoint>", MODEL_NAMES);
  addCheckpointOptions(command)
    .addOption(
      new Option("--precision <name>", "how weights of linear layers and the token table are stored")
        .choices(["float32", "float16"])
        .default("float32"),
    )
    .requiredOption("-o, --out <directory>", "where to write; files of these names are replaced")
    .addOption(formatOption(["table", "jsonl"]))
    .addHelpText("after", HELP)
    .action(async (checkpoint: string, options: ExportOnnxOptions) => {
      const { exportOnnxModel } = await import("../commands/export-onnx.js");
      await exportOnnxModel(checkpoint, options, io);
    });
}
