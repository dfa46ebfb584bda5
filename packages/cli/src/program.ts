/**
 * The command line: commands, options, help. A command's own code is loaded when it is called.
 *
 * Not here: exit codes and error messages (`main.ts`).
 */
import { readFileSync } from "node:fs";
import { Argument, Command, Option } from "commander";
import type { ConvertOptions } from "./commands/convert.js";
import type { EncodeOptions } from "./commands/encode.js";
import type { InfoOptions } from "./commands/info.js";
import type { SearchOptions } from "./commands/search.js";
import type { TokensOptions } from "./commands/tokens.js";
import type { Io } from "./io.js";
import {
  activationOption,
  addInputOptions,
  addModelOptions,
  addRunOptions,
  addTextOptions,
  formatOption,
  positiveInteger,
  PRECISIONS,
} from "./options.js";

const EXAMPLES = `
Examples:
  $ textower encode "a red circle" "a blue star"
  $ textower encode --input prompts.txt --format npy --output embeddings.npy
  $ cat prompts.jsonl | textower encode --input - --input-format jsonl --format jsonl
  $ textower encode --model ViT-B-32.safetensors --activation quick_gelu "a photo of a cat"
  $ textower tokens "a photo of a cat"
  $ textower search "a small blue star" --sheet hits.html
  $ textower info ViT-B-32.safetensors
  $ textower convert ViT-B-32.pt --precision int8 --activation quick_gelu --out vit-b-32-int8

Exit codes:
  0    done, also when whoever reads the output stops reading
  1    a checkpoint, a backend or an output failed
  2    the command line or the input is at fault
  130  interrupted
`;

const ENCODE_HELP = `
Prompts are the arguments, or the lines of --input, or of standard input where that is no terminal.
An empty line is the empty prompt; the end of the last line begins no further one. Text is UTF-8.

Formats:
  table   for people: vectors in short and, with the shapes model, the nearest pictures of its gallery
  jsonl   a line a prompt, in order: {"text", "tokens", "truncated", "embedding"}
  npy     a float32 array [prompts, numbers] for numpy.load

Examples:
  $ textower encode "a red circle"
  $ textower encode --input prompts.txt --format jsonl > embeddings.jsonl
  $ textower encode --input prompts.txt --format npy --output embeddings.npy
  $ textower encode --backend onnx --threads 2 --no-normalize "a red circle"
  $ textower encode --model ./clip-vit-base-patch32 --precision int8 "a photo of a cat"
  $ textower encode -- "-- a prompt that begins with a dash"
`;

const TOKENS_HELP = `
A prompt of any length is shown whole, with the place where --truncate would cut it.

Formats:
  table   a line a token: place, id, piece
  jsonl   a line a prompt, in order: {"text", "ids", "endOfText"}

Examples:
  $ textower tokens "a photo of a cat"
  $ textower tokens --cleaning huggingface "&lt;b&gt; ｆｕｌｌ　ｗｉｄｔｈ"
  $ textower tokens --input prompts.txt --format jsonl
`;

const SEARCH_HELP = `
With --format table a contact sheet is written to contact-sheet.png unless --sheet or --no-sheet say otherwise.
With --format jsonl there is one only where --sheet asks for it.

Examples:
  $ textower search "a small blue star"
  $ textower search "a red circle" "a heart on a black background" --top 4 --sheet hits.html
  $ textower search "two stars" --format jsonl
`;

const INFO_HELP = `
Examples:
  $ textower info
  $ textower info ViT-B-32.safetensors
  $ textower info ./clip-vit-base-patch32 --format jsonl
`;

const CONVERT_HELP = `
Writes model.safetensors, with the text tower only, config.json and tokenizer.json, as transformers names them, and
says by how much the vectors of some prompts change.

Examples:
  $ textower convert ./clip-vit-base-patch32 --precision int8 --out ./vit-b-32-int8
  $ textower encode --model ./vit-b-32-int8 "a photo of a cat"
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
  addTokens(program, io);
  addSearch(program, io);
  addInfo(program, io);
  addConvert(program, io);
  return program;
}

function addEncode(program: Command, io: Io): void {
  const command = program.command("encode").description("embeddings of prompts").argument("[prompts...]");
  addInputOptions(command);
  addModelOptions(command);
  addRunOptions(command);
  addTextOptions(command)
    .option("--no-normalize", "leave embeddings at their own length")
    .addOption(formatOption(["table", "jsonl", "npy"]))
    .option("-o, --output <file>", "write to a file, which appears when it is complete")
    .addHelpText("after", ENCODE_HELP)
    .action(async (prompts: string[], options: EncodeOptions) => {
      const { encode } = await import("./commands/encode.js");
      await encode(prompts, options, io);
    });
}

function addTokens(program: Command, io: Io): void {
  const command = program.command("tokens").description("ids and pieces of prompts").argument("[prompts...]");
  addInputOptions(command);
  addTextOptions(command)
    .option("-m, --model <model>", "take the number of tokens that fit from a checkpoint, instead of 77")
    .addOption(formatOption(["table", "jsonl"]))
    .option("-o, --output <file>", "write to a file, which appears when it is complete")
    .addHelpText("after", TOKENS_HELP)
    .action(async (prompts: string[], options: TokensOptions) => {
      const { tokens } = await import("./commands/tokens.js");
      await tokens(prompts, options, io);
    });
}

function addSearch(program: Command, io: Io): void {
  const command = program
    .command("search")
    .description("pictures of the gallery that comes with the command, by what is in them")
    .argument("<queries...>");
  addRunOptions(command)
    .option("-k, --top <count>", "pictures a query", positiveInteger, 8)
    .option("--sheet <file>", "write the pictures to a .png or .html file")
    .option("--no-sheet", "write no pictures")
    .option("--truncate", "cut queries that are too long, instead of refusing them")
    .addOption(formatOption(["table", "jsonl"]))
    .addHelpText("after", SEARCH_HELP)
    .action(async (queries: string[], options: SearchOptions) => {
      const { search } = await import("./commands/search.js");
      await search(queries, options, io);
    });
}

function addInfo(program: Command, io: Io): void {
  program
    .command("info")
    .description("what is known of a checkpoint")
    .addArgument(new Argument("[checkpoint]", "shapes, a file or directory, or a URL").default("shapes"))
    .addOption(activationOption())
    .addOption(formatOption(["table", "jsonl"]))
    .addHelpText("after", INFO_HELP)
    .action(async (checkpoint: string, options: InfoOptions) => {
      const { info } = await import("./commands/info.js");
      await info(checkpoint, options, io);
    });
}

function addConvert(program: Command, io: Io): void {
  program
    .command("convert")
    .description("a checkpoint's text tower in another precision")
    .argument("<checkpoint>", "shapes, a file or directory, or a URL")
    .addOption(
      new Option("--precision <name>", "how elements are stored").choices(PRECISIONS).makeOptionMandatory(),
    )
    .requiredOption("-o, --out <directory>", "where to write; files of these names are replaced")
    .addOption(activationOption())
    .addOption(formatOption(["table", "jsonl"]))
    .addHelpText("after", CONVERT_HELP)
    .action(async (checkpoint: string, options: ConvertOptions) => {
      const { convert } = await import("./commands/convert.js");
      await convert(checkpoint, options, io);
    });
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return version;
}
