/**
 * The command line: its commands and general help. A command's own code is loaded when it is called.
 *
 * Not here: how each command is called (`program/`), exit codes and error messages (`main.ts`).
 */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import type { Io } from "./io.js";
import { addCache } from "./program/cache.js";
import { addConvert } from "./program/convert.js";
import { addEmbed } from "./program/embed.js";
import { addEncode } from "./program/encode.js";
import { addExportOnnx } from "./program/export-onnx.js";
import { addInfo } from "./program/info.js";
import { addSearch } from "./program/search.js";
import { addSimilarity } from "./program/similarity.js";
import { addServe } from "./program/serve.js";
import { addTokens } from "./program/tokens.js";
import { addWorker } from "./program/worker.js";

const EXAMPLES = `
Examples:
  $ textower encode "a red circle" "a blue star"
  $ textower encode --input prompts.txt --format npy --output embeddings.npy
  $ textower embed captions.csv --text-column caption --out vectors.parquet
  $ cat prompts.jsonl | textower encode --input - --input-format jsonl --format jsonl
  $ textower encode --model ViT-B-32.safetensors --activation quick_gelu "a photo of a cat"
  $ textower tokens "a photo of a cat"
  $ textower search "a small blue star" --sheet hits.html
  $ textower similarity "a red circle" "a red disc" "a blue star"
  $ textower info ViT-B-32.safetensors
  $ textower encode --model openai/clip-vit-base-patch32 "a photo of a cat"
  $ textower convert ViT-B-32.pt --precision int8 --activation quick_gelu --out vit-b-32-int8
  $ textower export-onnx openai/clip-vit-base-patch32 --out vit-b-32-onnx
  $ textower serve --port 8000

Exit codes:
  0    done, also when whoever reads the output stops reading
  1    a checkpoint, a backend or an output failed
  2    the command line or the input is at fault
  130  interrupted; 143 terminated
`;

/** The program. `io` is what its commands see; nothing is done before it is parsed. */
export function createProgram(io: Io): Command {
  const program = new Command("textower")
    .description("CLIP text features: text in, vectors out.")
    .version(version(), "-V, --version")
    .option("--debug", "show where errors come from (also: TEXTOWER_DEBUG=1)")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: () => undefined, // said by `run`, like every other error
    })
    .showSuggestionAfterError()
    .addHelpText("after", EXAMPLES);
  addEncode(program, io);
  addEmbed(program, io);
  addWorker(program, io);
  addTokens(program, io);
  addSearch(program, io);
  addSimilarity(program, io);
  addInfo(program, io);
  addConvert(program, io);
  addExportOnnx(program, io);
  addServe(program, io);
  addCache(program, io);
  return program;
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return version;
}
