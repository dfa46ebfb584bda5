import { afterEach, expect, test } from "vitest";
import {
  backend,
  DisposedError,
  listBackends,
  registerBackend,
  RegistryError,
  RunQueue,
  unregisterBackend,
} from "../src/index.js";
import type { Backend } from "../src/index.js";

const stub = (name: string): Backend => ({
  name,
  isSupported: () => Promise.resolve({ supported: true }),
  compile: () => Promise.reject(new Error("a stub")),
});

afterEach(() => listBackends().forEach(({ name }) => unregisterBackend(name)));

test("backends are found by name, in the order they came", () => {
  expect(listBackends()).toEqual([]);
  const [a, b] = [stub("a"), stub("b")];
  registerBackend(b);
  registerBackend(a);
  registerBackend(a);
  expect(listBackends()).toEqual([b, a]);
  expect(backend("a")).toBe(a);
  expect(() => backend("c")).toThrow("backend: expected a registered name (b, a), got c");
  expect(() => registerBackend(stub("a"))).toThrow(RegistryError);
  expect(unregisterBackend("a")).toBe(true);
  expect(() => backend("a")).toThrow(RegistryError);
});

test("a queue runs one after another, past failures", async () => {
  const queue = new RunQueue("test");
  const log: string[] = [];
  const slow = queue.run(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    log.push("slow");
  });
  const failed = queue.run(() => Promise.reject(new Error("no")));
  const last = queue.run(() => log.push("last"));
  await expect(failed).rejects.toThrow("no");
  await Promise.all([slow, last]);
  expect(log).toEqual(["slow", "last"]);
});

test("disposal waits for what runs, refuses what waits, frees once", async () => {
  const queue = new RunQueue("test");
  const log: string[] = [];
  let release = (): void => {};
  const running = queue.run(() =>
    new Promise<void>((resolve) => (release = resolve)).then(() => void log.push("ran")),
  );
  const waiting = queue.run(() => log.push("never"));
  await Promise.resolve();
  const free = (): void => void log.push("freed");
  const disposed = Promise.all([queue.dispose(free), queue.dispose(free)]);
  release();
  await running;
  await expect(waiting).rejects.toThrow(DisposedError);
  await disposed;
  expect(log).toEqual(["ran", "freed"]);
  await expect(queue.run(() => 1)).rejects.toThrow("test: expected a live executable");
});
