/**
 * A million short captions through the shapes model, and what it takes in memory beyond the model:
 *
 *   node bulk/million.mjs [--captions 1000000] [--format parquet]
 *
 * The process opens the model, encodes 4096 captions, and notes its resident size; then it embeds the file, and notes the
 * peak. Some vectors of the output are compared with ones that are encoded by themselves.
 */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { embedFile } from "@textower/bulk";
import { openVectorFile } from "@textower/vector-files";
import { createTextEncoder } from "textower";
import { captions, writeCaptions } from "./captions.mjs";

const { values } = parseArgs({
  options: {
    captions: { type: "string", default: "1000000" },
    format: { type: "string", default: "parquet" },
  },
});
const count = Number(values.captions);
const MB = 2 ** 20;

const directory = await mkdtemp(join(tmpdir(), "textower-million-"));
try {
  const [input, output] = [join(directory, "captions.txt"), join(directory, `vectors.${values.format}`)];
  await writeCaptions(input, count);

  const encoder = await createTextEncoder({ model: "shapes" });
  const some = captions(2);
  await encoder.encode(Array.from({ length: 4096 }, () => some.next().value));
  globalThis.gc?.();
  const model = process.memoryUsage.rss();
  let shown = 0;
  const begin = performance.now();
  const summary = await embedFile(encoder, {
    input,
    output,
    onProgress({ phase, done, rowsPerSecond, secondsLeft }) {
      if (performance.now() - shown < 60_000) return;
      shown = performance.now();
      const rss = Math.round(process.memoryUsage.rss() / MB);
      console.error(
        `${phase} ${done}, ${Math.round(rowsPerSecond)}/s, ${Math.round(secondsLeft ?? 0)} s left, ${rss} MiB`,
      );
    },
  });
  const seconds = (performance.now() - begin) / 1000;
  const peak = process.resourceUsage().maxRSS * 1024;
  const { user, system } = process.cpuUsage();

  const worst = await compare(encoder, output);
  await encoder.dispose();
  const report = {
    captions: summary.rows,
    format: values.format,
    outputMB: Math.round((await stat(output)).size / 1e6),
    seconds: Math.round(seconds),
    processorSeconds: Math.round((user + system) / 1e6),
    threads: availableParallelism(),
    modelMiB: Math.round(model / MB),
    peakMiB: Math.round(peak / MB),
    aboveModelMiB: Math.round((peak - model) / MB),
    largestDifference: worst,
  };
  console.log(JSON.stringify(report));
  if (summary.rows !== count || worst > 1e-5 || peak - model > 300 * 1e6) process.exitCode = 1;
} finally {
  await rm(directory, { recursive: true, force: true });
}

/** The first caption of every 50,000, encoded by itself: the largest difference of its numbers. */
async function compare(encoder, path) {
  const file = await openVectorFile(path);
  const texts = captions();
  let worst = 0;
  let rows = 0;
  for await (const { count, dimension, data } of file.batches({ batchSize: 1000 })) {
    for (let row = 0; row < count; row++, rows++) {
      const text = texts.next().value;
      if (rows % 50_000 !== 0) continue;
      const { data: alone } = await encoder.encode(text);
      alone.forEach((value, i) => (worst = Math.max(worst, Math.abs(value - data[row * dimension + i]))));
    }
  }
  await file.close();
  if (rows !== count) throw new Error(`expected ${count} vectors, got ${rows}`);
  return worst;
}
