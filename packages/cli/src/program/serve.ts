/** How `textower serve` is called. */
import { Option } from "commander";
import type { Command } from "commander";
import type { ServeOptions } from "../commands/serve.js";
import type { Io } from "../io.js";
import { addModelOptions, addRunOptions, cleaningOption, port, positiveInteger } from "../options.js";

const HELP = `
Speaks OpenAI's embeddings API: POST /v1/embeddings, GET /v1/models; beside it /healthz, /readyz and /metrics.
Requests that wait together are encoded together. Where too many wait, more are answered 429 with Retry-After.

Keys: TEXTOWER_API_KEY, or the lines of --api-key-file. With any, /v1 and /metrics want one as a bearer token.
SIGTERM or Ctrl-C: no more requests are accepted, those that are there are answered, and the command ends with 0.

Examples:
  $ textower serve
  $ textower serve --model openai/clip-vit-base-patch32 --port 8000
  $ TEXTOWER_API_KEY=... textower serve --host 0.0.0.0 --cors https://example.org
  $ curl http://127.0.0.1:8000/v1/embeddings -H "content-type: application/json" \\
      -d '{"model": "shapes", "input": ["a red circle", "a blue star"]}'
`;

/** Adds the command. */
export function addServe(program: Command, io: Io): void {
  const command = program
    .command("serve")
    .description("an embeddings server that OpenAI's clients can talk to");
  addModelOptions(command);
  addRunOptions(command)
    .addOption(cleaningOption())
    .option("--vocabulary <file>", "a tokenizer.json instead of CLIP's own vocabulary")
    .addOption(
      new Option("--long-text <policy>", "texts of too many tokens: refuse them, or cut them")
        .choices(["error", "truncate"])
        .default("error"),
    )
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("-p, --port <number>", "port to listen on; 0: one that is free", port, 8000)
    .option("--name <name>", "what requests call the model (default: what --model says)")
    .option("--alias <names...>", "other names that it answers to")
    .option("--api-key-file <file>", "API keys, one a line (also: TEXTOWER_API_KEY)")
    .option("--cors <origins...>", "origins whose pages may call; * is all")
    .option(
      "--max-queued-prompts <count>",
      "prompts that wait before others are turned away",
      positiveInteger,
      4096,
    )
    .option("--max-batch-tokens <count>", "tokens that are encoded together", positiveInteger)
    .option("--body-limit <bytes>", "bytes of a request's body", positiveInteger, 2 ** 20)
    .option(
      "--shutdown-seconds <count>",
      "time to answer what is there when the command ends",
      positiveInteger,
      10,
    )
    .addHelpText("after", HELP)
    .action(async (options: ServeOptions) => {
      const { serve } = await import("../commands/serve.js");
      await serve(options, io);
    });
}
