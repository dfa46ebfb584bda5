/** What becomes of an encoder whose device is lost. */
import { reference } from "@textower/backend-reference";
import { DeviceLostError } from "@textower/graph";
import type { Backend, Executable } from "@textower/graph";
import { expect, test } from "vitest";
import { createTextEncoder } from "../src/index.js";

/** The reference on a device that a test can lose. */
function losable(): { backend: Backend; lose: () => void; compiles: () => number; alive: () => number } {
  let [lost, compiles, alive] = [false, 0, 0];
  const inner = reference();
  const backend: Backend = {
    ...inner,
    compile: async (...args) => {
      const executable = await inner.compile(...args);
      lost = false;
      compiles++;
      alive++;
      const losing: Executable = {
        info: executable.info,
        run: (...inputs) =>
          lost ? Promise.reject(new DeviceLostError("test: the device is gone")) : executable.run(...inputs),
        dispose: () => {
          alive--;
          return executable.dispose();
        },
      };
      return losing;
    },
  };
  return { backend, lose: () => void (lost = true), compiles: () => compiles, alive: () => alive };
}

test("rejects by name, and the next call works on a new one", async () => {
  const { backend, lose, compiles, alive } = losable();
  const encoder = await createTextEncoder({ model: "shapes", backend });
  const { data } = await encoder.encode(["a red circle"]);
  lose();
  await expect(encoder.encode("a red circle")).rejects.toThrow(DeviceLostError);
  expect((await encoder.encode(["a red circle"])).data).toEqual(data);
  expect(compiles()).toBe(2);
  await encoder.dispose();
  expect(alive()).toBe(0);
});
