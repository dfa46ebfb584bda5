/** How `textower cache` is called. */
import type { Command } from "commander";
import type { CacheFlags, ListCacheOptions } from "../commands/cache.js";
import type { Io } from "../io.js";
import { cacheDirectoryOption, formatOption } from "../options.js";

const HELP = `
What models by name have left on this machine: files as the Hub's Python tools lay them out, shared with them, and parts
of files, which only textower uses. The cache lies where HF_HUB_CACHE or HF_HOME say, else in ~/.cache/huggingface/hub.

Examples:
  $ textower cache
  $ textower cache clear openai/clip-vit-base-patch32
  $ textower cache clear
`;

/** Adds the command. */
export function addCache(program: Command, io: Io): void {
  const cache = program.command("cache").description("what models from the Hub take on disk");
  cache
    .command("list", { isDefault: true })
    .description("sizes, one a repository")
    .addOption(cacheDirectoryOption())
    .addOption(formatOption(["table", "jsonl"]))
    .action(async (options: ListCacheOptions) => {
      const { listCache } = await import("../commands/cache.js");
      await listCache(options, io);
    });
  cache
    .command("clear")
    .description("remove a repository, shared files included; without one, the parts of files of all of them")
    .argument("[repository]", "owner/name")
    .addOption(cacheDirectoryOption())
    .action(async (repository: string | undefined, options: CacheFlags) => {
      const { clear } = await import("../commands/cache.js");
      await clear(repository, options);
    });
  cache.addHelpText("after", HELP);
}
