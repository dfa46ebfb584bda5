/**
 * Runs every suite: on the Node that called, then on a current Node from the npm package `node`. The last line of
 * output is `N passed, N failed, N skipped`, the true totals over all suites; every skip is listed with its reason.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { judge } from "./matrix/cells.mjs";
import { matrixTable } from "./matrix/table.mjs";
import { root } from "./workspace.mjs";

/** The second Node: the current long-term release. */
const CURRENT_NODE = "24";

/** Files that are listed with their time. */
const SLOWEST = 15;

/**
 * @param {string[]} args - further arguments for vitest, such as a file name to filter by
 * @returns {Promise<number>} the exit code
 */
export async function runTests(args, pnpm) {
  const folder = mkdtempSync(join(tmpdir(), "textower-tests-"));
  const totals = { passed: 0, failed: 0, skipped: 0 };
  const suites = [{ label: `Node ${process.versions.node}`, node: process.execPath }];
  const current = findCurrentNode();
  if (current !== undefined) suites.push({ label: `Node ${CURRENT_NODE}`, node: current });
  const reports = [];
  for (const [i, { label, node }] of suites.entries()) {
    console.log(`\n# ${label}`);
    const report = join(folder, `${i}.json`);
    // pnpm is on the PATH of whatever `pnpm exec` starts: the package checks call it.
    const vitest = [
      node,
      "node_modules/vitest/vitest.mjs",
      "run",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
    ];
    const named = projectsOf(args);
    if (i > 0 && named.length > 0 && named.every((name) => name.startsWith("checks"))) continue;
    // Vitest would add what is named to "all but these".
    const projects = i === 0 || named.length > 0 ? [] : ["--project=!checks*"];
    pnpm(["exec", ...vitest, ...projects, ...args], { check: false, stdio: ["ignore", 1, 2] });
    reports.push({ label: `Node ${label.split(/[ .]/)[1]}`, tests: addReport(report, label, totals) });
  }
  if (current === undefined) {
    const absent = process.env.CI ? "failed" : "skipped";
    totals[absent]++;
    console.log(`${absent}: the suites on Node ${CURRENT_NODE} (its npm package could not be had)`);
  }
  rmSync(folder, { recursive: true });
  if (args.length === 0) checkMatrix(reports, totals);
  console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  return totals.failed > 0 ? 1 : 0;
}

/** What `--project` names. */
function projectsOf(args) {
  return args.flatMap((arg, i) => {
    if (arg === "--project") return args.slice(i + 1, i + 2);
    return arg.startsWith("--project=") ? [arg.slice("--project=".length)] : [];
  });
}

/** Prints the matrix. In CI a cell of which nothing passed, or something was skipped, is a failure. */
function checkMatrix(reports, totals) {
  const cells = judge(reports);
  console.log(`\n${matrixTable(cells)}`);
  for (const { backend, runtime, precision, passed, skipped } of process.env.CI ? cells : []) {
    if (passed > 0 && skipped === 0) continue;
    totals.failed++;
    const got = `${passed} tests that passed and ${skipped} that were skipped`;
    console.log(`failed: ${backend} in ${runtime}, ${precision}: expected tests that pass, got ${got}`);
  }
}

/**
 * Adds a vitest report to the totals. A file that could not even be loaded counts as one failure.
 * @returns its tests: file, full name, status
 */
function addReport(path, label, totals) {
  let report;
  try {
    report = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    totals.failed++;
    console.log(`failed: ${label} ended without a report`);
    return [];
  }
  for (const file of report.testResults) {
    const skipped = file.assertionResults.filter(({ status }) => status !== "passed" && status !== "failed");
    const failed = file.assertionResults.filter(({ status }) => status === "failed").length;
    totals.passed += file.assertionResults.length - skipped.length - failed;
    totals.failed += failed === 0 && file.status === "failed" ? 1 : failed;
    totals.skipped += skipped.length;
    for (const { fullName } of skipped) console.log(`skipped: ${relative(root, file.name)}: ${fullName}`);
  }
  printSlowest(report.testResults, label);
  if (report.testResults.length === 0) totals.failed++;
  return report.testResults.flatMap(({ name: file, assertionResults }) =>
    assertionResults.map(({ fullName, status }) => ({ file, name: fullName, status })),
  );
}

/** Says where the time went, so that whoever waits for the suites knows what to look at. */
function printSlowest(files, label) {
  const seconds = ({ startTime, endTime }) => Math.round((endTime - startTime) / 1000);
  const slowest = files.toSorted((a, b) => seconds(b) - seconds(a)).slice(0, SLOWEST);
  console.log(`slowest files on ${label}:`);
  for (const file of slowest)
    console.log(`${String(seconds(file)).padStart(6)} s  ${relative(root, file.name)}`);
}

/** Path of a current Node's binary, or undefined if it cannot be had or is what runs already. */
function findCurrentNode() {
  if (process.versions.node.startsWith(`${CURRENT_NODE}.`)) return process.execPath;
  const { status, stdout } = spawnSync(
    "npx",
    ["--yes", "-p", `node@${CURRENT_NODE}`, "node", "-p", "process.execPath"],
    {
      encoding: "utf8",
      stdio: ["ignore", "pipe", 2],
    },
  );
  return status === 0 ? stdout.trim() : undefined;
}
