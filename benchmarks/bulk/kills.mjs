/**
 * `textower embed`, killed at random moments and started again, against a run in peace: the same bytes.
 *
 *   node bulk/kills.mjs [--captions 1000000] [--kills 10] [--shard-size 8192] [--format parquet]
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { killAndResume } from "../../packages/cli/test/kill-and-resume.mjs";
import { writeCaptions } from "./captions.mjs";

const { values } = parseArgs({
  options: {
    captions: { type: "string", default: "1000000" },
    kills: { type: "string", default: "10" },
    "shard-size": { type: "string", default: "8192" },
    format: { type: "string", default: "parquet" },
  },
});
const bin = fileURLToPath(new URL("../../packages/cli/bin/textower.js", import.meta.url));
const directory = await mkdtemp(join(tmpdir(), "textower-kills-"));
try {
  const input = join(directory, "captions.txt");
  await writeCaptions(input, Number(values.captions));
  const result = await killAndResume({
    command: (output) => [bin, "embed", input, "--out", output, "--shard-size", values["shard-size"]],
    peaceful: join(directory, `peaceful.${values.format}`),
    killed: join(directory, `killed.${values.format}`),
    kills: Number(values.kills),
    log: (line) => console.error(line),
  });
  console.log(JSON.stringify({ captions: Number(values.captions), format: values.format, ...result }));
  if (!result.same) process.exitCode = 1;
} finally {
  await rm(directory, { recursive: true, force: true });
}
