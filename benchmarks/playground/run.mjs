/**
 * The playground in Chromium, as its users meet it: time and bytes until the first result from a cold cache, and the
 * longest tasks of the page's own thread while somebody types and the worker encodes: how long they took, and how long they
 * computed, which others that use the machine change little. After a build:
 *
 *   pnpm bench playground [--visits 7] [--json FILE]
 *
 * Needs Chromium: /usr/bin/chromium, or CHROMIUM=path. Plain files from loopback, uncompressed.
 */
import { writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { answerTo, startPlayground } from "../../scripts/checks/playground-site.mjs";
import { root } from "../../scripts/workspace.mjs";

const { values } = parseArgs({
  options: { visits: { type: "string", default: "7" }, json: { type: "string" } },
});
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

const playground = await startPlayground(join(root, "examples/playground/dist"));
const { server } = playground;
const visits = [];
for (let i = 0; i < Number(values.visits); i++) {
  server.requests.splice(0);
  const page = await playground.open({ watch: watchFirstResult });
  const milliseconds = await page.evaluate(() => globalThis.firstResult);
  const end = server.requests.findIndex(({ path }) => path === "/sw.js");
  const before = server.requests.slice(0, end === -1 ? undefined : end);
  const bytes = before.reduce((sum, request) => sum + request.bytes, 0);
  visits.push({ milliseconds, bytes, requests: before.length });
  await page.context().close();
}

const page = await playground.open();
await page.waitForSelector("#offline:not(:empty)"); // what a first visit has to do is done
await startTracing();
for (const query of [
  "a small orange diamond",
  "two green triangles on a teal background",
  "a heart above a ring",
]) {
  await page.fill("#query", "");
  await page.locator("#query").pressSequentially(query, { delay: 30 });
  await answerTo(page, query);
}
const whileTyping = longestTasks(await stopTracing());
// The worker encodes 1,500 prompts while somebody types.
await page.click("#tab-classify");
await page.fill("#templates", Array.from({ length: 10 }, (_, i) => `${i} pictures of {}`).join("\n"));
await page.fill("#classes", Array.from({ length: 150 }, (_, i) => `number ${i} of these`).join("\n"));
await page.click("#tab-search");
await page.fill("#query", "");
await startTracing();
await page.locator("#query").pressSequentially("a purple ring on a gray background", { delay: 30 });
await answerTo(page, "a purple ring on a gray background");
const whileTypingAndEncoding = longestTasks(await stopTracing());
await playground.close();

const result = {
  firstResult: {
    milliseconds: Math.round(median(visits.map(({ milliseconds }) => milliseconds))),
    fastest: Math.round(Math.min(...visits.map(({ milliseconds }) => milliseconds))),
    bytes: median(visits.map(({ bytes }) => bytes)),
    requests: median(visits.map(({ requests }) => requests)),
  },
  longestTask: { whileTyping, whileTypingAndEncoding },
  machine: { processors: availableParallelism(), load: loadavg()[0] },
};
console.log(JSON.stringify(result, null, 2));
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);

async function startTracing() {
  await page
    .context()
    .browser()
    .startTracing(page, { categories: ["disabled-by-default-devtools.timeline"] });
}

async function stopTracing() {
  return JSON.parse(await page.context().browser().stopTracing()).traceEvents;
}

/** Of the page's own thread: the longest task's milliseconds, and those that the longest computation took. */
function longestTasks(events) {
  const main = new Set(
    events
      .filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const tasks = events.filter(({ name, pid, tid }) => name === "RunTask" && main.has(`${pid} ${tid}`));
  const most = (of) => Number((Math.max(0, ...tasks.map(of)) / 1000).toFixed(1));
  return {
    tasks: tasks.length,
    milliseconds: most(({ dur = 0 }) => dur),
    computing: most(({ tdur = 0 }) => tdur),
  };
}

/** In the page: notes when the first score stands there, in milliseconds since the visit began. */
function watchFirstResult() {
  addEventListener("DOMContentLoaded", () => {
    const gallery = document.querySelector("#gallery");
    const observer = new MutationObserver(() => {
      if (gallery.querySelector(".score:not(:empty)") === null) return;
      globalThis.firstResult = performance.now();
      observer.disconnect();
    });
    observer.observe(gallery, { childList: true, subtree: true });
  });
}
