/** How `textower search` is called. */
import type { Command } from "commander";
import type { SearchOptions } from "../commands/search.js";
import type { Io } from "../io.js";
import { addLongTextOptions, addRunOptions, formatOption, positiveInteger } from "../options.js";

const HELP = `
With --format table a contact sheet is written to contact-sheet.png unless --sheet or --no-sheet say otherwise.
With --format jsonl there is one only where --sheet asks for it.

Examples:
  $ textower search "a small blue star"
  $ textower search "a red circle" "a heart on a black background" --top 4 --sheet hits.html
  $ textower search "two stars" --format jsonl
`;

/** Adds the command. */
export function addSearch(program: Command, io: Io): void {
  const command = program
    .command("search")
    .description("pictures of the gallery that comes with the command, by what is in them")
    .argument("<queries...>");
  addRunOptions(command);
  addLongTextOptions(command)
    .option("-k, --top <count>", "pictures a query", positiveInteger, 8)
    .option("--sheet <file>", "write the pictures to a .png or .html file")
    .option("--no-sheet", "write no pictures")
    .addOption(formatOption(["table", "jsonl"]))
    .addHelpText("after", HELP)
    .action(async (queries: string[], options: SearchOptions) => {
      const { search } = await import("../commands/search.js");
      await search(queries, options, io);
    });
}
