/** The command, killed at random moments and started again: see also benchmarks/bulk/kills.mjs. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeCaptions } from "../../../benchmarks/bulk/captions.mjs";
import { killAndResume } from "./kill-and-resume.mjs";
import { BIN, scratch } from "./command.js";

// Some 15 s on a quiet machine.
test(
  "20,000 captions, three kills: the output is that of a run in peace, to the byte",
  { timeout: 600_000 },
  async () => {
    const directory = scratch();
    const input = join(directory, "captions.txt");
    await writeCaptions(input, 20_000);
    const { same, kills } = await killAndResume({
      command: (output: string) => [BIN, "embed", input, "--out", output, "--shard-size", "1500"],
      peaceful: join(directory, "peaceful.parquet"),
      killed: join(directory, "killed.parquet"),
      kills: 3,
    });
    expect(kills).toHaveLength(3);
    expect(same).toBe(true);
  },
);
