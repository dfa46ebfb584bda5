import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { writeCaptions } from "../../../benchmarks/bulk/captions.mjs";
import { BIN, scratch, textower } from "./command.js";
import { freePort, noRedis, startRedis } from "./redis.js";

interface Worker {
  readonly child: ChildProcess;
  /** What it has said. */
  text(): string;
}

/** A worker that waits for jobs, and does not outlive the test. */
async function startWorker(args: readonly string[]): Promise<Worker> {
  const child = spawn(process.execPath, [BIN, "worker", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  while (!text.includes("waiting for shards")) {
    if (child.exitCode !== null) throw new Error(`worker: ${text}`);
    await pause(50);
  }
  return { child, text: () => text };
}

async function kill({ child }: Worker): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** Waits until something holds, or the test's time is over. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(10);
}

describe.skipIf(noRedis !== undefined)(
  `a queue on redis-server${noRedis === undefined ? "" : ` (skipped: ${noRedis})`}`,
  () => {
    test("workers are killed in mid-job; nothing is lost, nothing is in the output twice", async () => {
      const redis = await startRedis();
      const directory = scratch();
      const root = join(directory, "shared");
      mkdirSync(root);
      const [input, output] = [join(root, "captions.txt"), join(root, "vectors.parquet")];
      await writeCaptions(input, 4000);
      const sizes = ["--shard-size", "400"];
      const peaceful = join(directory, "peaceful.parquet");
      expect((await textower(["embed", input, "--out", peaceful, ...sizes])).code).toBe(0);

      const where = ["--redis", redis, "--root", root];
      const embed = textower(["embed", input, "--out", output, ...sizes, ...where, "--format", "jsonl"]);
      const names = (): string[] => {
        try {
          return readdirSync(`${output}.shards`);
        } catch {
          return [];
        }
      };
      const finished = (): number => names().filter((name) => name.startsWith("shard-")).length;
      const begun = (): string[] => names().filter((name) => name.startsWith(".shard-"));

      // One worker after the other, each killed while a shard of its own is unfinished: the file that it leaves shows it.
      const left = new Set<string>();
      for (const enough of [0, 1, 3]) {
        const worker = await startWorker([...where, "--lock-seconds", "1"]);
        await until(() => finished() >= enough && begun().some((name) => !left.has(name)));
        await kill(worker);
        for (const name of begun()) left.add(name);
      }
      expect(left.size).toBeGreaterThan(0);
      const workers = await Promise.all([1, 2].map(() => startWorker([...where, "--lock-seconds", "1"])));
      const { code, text, stderr } = await embed;
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(JSON.parse(text)).toMatchObject({ rows: 4000, missingShards: 0, output });
      expect(readFileSync(output).equals(readFileSync(peaceful))).toBe(true);
      expect(readdirSync(root).toSorted()).toEqual(["captions.txt", "vectors.parquet"]);

      for (const { child } of workers) child.kill("SIGINT");
      const codes = await Promise.all(
        workers.map(async ({ child }) => (await once(child, "exit"))[0] as unknown),
      );
      expect(codes).toEqual([0, 0]);
    });

    test("a worker with another precision fails the job, and embed says why", async () => {
      const redis = await startRedis();
      const root = scratch();
      writeFileSync(join(root, "captions.txt"), "a red circle\na blue star\n");
      const where = ["--redis", redis, "--root", root];
      await startWorker([...where, "--precision", "int8"]);
      const args = ["embed", join(root, "captions.txt"), "--out", join(root, "v.npy"), ...where];
      const { code, stderr } = await textower(args);
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /shard 0: .*expected a worker like the job's encoder, .*precision was float32, is int8/,
      );
    });

    test("captions outside the root are refused", async () => {
      const redis = await startRedis();
      const directory = scratch();
      mkdirSync(join(directory, "root"));
      writeFileSync(join(directory, "captions.txt"), "a red circle\n");
      const args = [
        "embed",
        join(directory, "captions.txt"),
        "--out",
        join(directory, "root/v.npy"),
        "--redis",
        redis,
      ];
      const { code, stderr } = await textower([...args, "--root", join(directory, "root")]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/captions\.txt: expected a path in the directory that workers share/);
    });
  },
);

describe("without a queue", () => {
  test("nobody answers: exit code 2, and no password in the message", async () => {
    const port = await freePort();
    const { code, stderr } = await textower(["worker", "--redis", `redis://:secret@127.0.0.1:${port}`]);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^textower: redis:\/\/127\.0\.0\.1:\d+: expected Redis, got .*ECONNREFUSED[^\n]*\n$/,
    );
    expect(stderr).not.toContain("secret");
  });

  test("no address, or a part of the shards besides", async () => {
    const none = await textower(["worker", "--redis"], { env: { TEXTOWER_REDIS: "" } });
    expect(none).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/expected redis:\/\/… .* or in TEXTOWER_REDIS/),
    });
    const both = await textower([
      "embed",
      "c.txt",
      "--out",
      "v.npy",
      "--redis",
      "redis://x",
      "--shard",
      "1/2",
    ]);
    expect(both).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/expected --shard or --redis, got both/),
    });
  });
});
