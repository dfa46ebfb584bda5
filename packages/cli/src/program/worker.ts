/** How `textower worker` is called. */
import { Option } from "commander";
import type { Command } from "commander";
import type { WorkerCommandOptions } from "../commands/worker.js";
import type { Io } from "../io.js";
import { addModelOptions, addRunOptions, addTextOptions, formatOption, positiveInteger } from "../options.js";

const HELP = `
Takes shards of textower embed --redis from a queue and makes them, one at a time. Model, backend and precision have to be
those that embed was called with. All machines need the directory --root, at any path: captions, shards and output lie in it.
A worker that dies loses its shard to another one after --lock-seconds. Ctrl-C ends it after the shard that it is at.

The queue is BullMQ's: npm install bullmq ioredis

Examples:
  $ textower worker --redis redis://127.0.0.1:6379 --root /mnt/captions
  $ TEXTOWER_REDIS=redis://:password@queue.example textower worker --redis --model ./clip-vit-base-patch32
`;

/** Adds the command. */
export function addWorker(program: Command, io: Io): void {
  const command = program.command("worker").description("make shards that textower embed --redis has queued");
  addModelOptions(command);
  addRunOptions(command);
  addTextOptions(command)
    .addOption(redisOption("where the queue is").makeOptionMandatory())
    .addOption(queueOption())
    .addOption(rootOption())
    .option(
      "--lock-seconds <count>",
      "seconds without a sign of life until a shard goes to another worker",
      positiveInteger,
      30,
    )
    .addOption(formatOption(["table", "jsonl"]))
    .addHelpText("after", HELP)
    .action(async (options: WorkerCommandOptions) => {
      const { worker } = await import("../commands/worker.js");
      await worker(options, io);
    });
}

/** `--redis`. */
export function redisOption(what: string): Option {
  return new Option("--redis [url]", `${what} (without a URL: TEXTOWER_REDIS, which others cannot see)`);
}

/** `--queue`. */
export function queueOption(): Option {
  return new Option("--queue <name>", "the queue's name in Redis").default("textower-embed");
}

/** `--root`. */
export function rootOption(): Option {
  return new Option("--root <directory>", "the directory that all machines share").default(".");
}
