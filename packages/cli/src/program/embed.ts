/** How `textower embed` is called. */
import { InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import type { EmbedOptions } from "../commands/embed.js";
import type { Io } from "../io.js";
import {
  addModelOptions,
  addRunOptions,
  addTextOptions,
  formatOption,
  longTextOption,
  positiveInteger,
} from "../options.js";
import { queueOption, redisOption, rootOption } from "./worker.js";

const HELP = `
Vectors come in the captions' order. Finished shards lie in FILE.shards until the output is whole: after a kill or an
error, the same command line goes on where it was, and the output is the same to the byte. Shards of another input, model or
option are refused; --no-resume removes them.

Captions:
  txt      a caption a line
  csv      with a line of names; fields in quotes may hold line ends
  jsonl    a line is a JSON string or an object
  parquet  uncompressed, Snappy or Zstandard
The column of the captions is text, caption or the only one, unless --text-column names another. Ids come from --id-column,
or id. Parquet and JSON Lines hold ids and columns beside the vectors, npy and safetensors the vectors alone.

Several processes that share a directory: give each --shard 1/3, 2/3, 3/3, then run without --shard. Or with a queue: start
textower worker on each machine, and give --redis here; workers may come, go and be killed.

Examples:
  $ textower embed captions.txt --out vectors.npy
  $ textower embed captions.csv --text-column caption --columns url --out vectors.parquet
  $ textower embed captions.jsonl --out vectors.safetensors --model openai/clip-vit-base-patch32 --long-text truncate
  $ textower embed captions.parquet --out vectors.parquet --shard 2/4
`;

/** Adds the command. */
export function addEmbed(program: Command, io: Io): void {
  const command = program
    .command("embed")
    .description("vectors of a file of captions, of any length, resumable")
    .argument("<captions>", "a file of captions: .txt, .csv, .jsonl or .parquet")
    .requiredOption("-o, --out <file>", "where the vectors go: .parquet, .npy, .safetensors or .jsonl");
  addModelOptions(command);
  addRunOptions(command);
  addTextOptions(command)
    .addOption(longTextOption())
    .addOption(
      new Option("--input-format <format>", "what the captions are, where their name does not say").choices([
        "txt",
        "csv",
        "jsonl",
        "parquet",
      ]),
    )
    .addOption(
      new Option(
        "--output-format <format>",
        "what the vectors become, where their name does not say",
      ).choices(["parquet", "npy", "safetensors", "jsonl"]),
    )
    .option("--text-column <name>", "the column of the captions")
    .option("--id-column <name>", "the column of their ids (default: id, where there is one)")
    .option(
      "--columns <names>",
      "columns that come along, with commas between them (default: all)",
      commaList,
    )
    .option("--vector-column <name>", "what the column of the vectors is called", "embedding")
    .addOption(
      new Option("--empty <policy>", "empty captions: an error, no vector, or the vector of the empty text")
        .choices(["error", "skip", "encode"])
        .default("error"),
    )
    .option("--no-normalize", "leave embeddings at their own length")
    .option("--shard <i/n>", "make only the ith of n parts of the shards, and no output", partOf)
    .option("--shard-size <count>", "captions of a shard: what a kill costs, at most", positiveInteger, 8192)
    .option("--work <directory>", "where shards lie until the output is whole (default: FILE.shards)")
    .option("--resume", "go on with finished shards (default)")
    .option("--no-resume", "remove finished shards first")
    .option("--keep-shards", "leave them when the output is whole")
    .addOption(redisOption("let workers make the shards: see textower worker"))
    .addOption(queueOption())
    .addOption(rootOption())
    .addOption(formatOption(["table", "jsonl"]))
    .addHelpText("after", HELP)
    .action(async (captions: string, options: EmbedOptions) => {
      const { embed } = await import("../commands/embed.js");
      await embed(captions, options, io);
    });
}

function commaList(text: string): string[] {
  return text === "" ? [] : text.split(",").map((name) => name.trim());
}

function partOf(text: string): { index: number; count: number } {
  const [, index, count] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (index === undefined || count === undefined || index < 1 || index > count) {
    throw new InvalidArgumentError("Expected i/n, such as 1/4.");
  }
  return { index, count };
}
