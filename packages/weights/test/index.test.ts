/** The public surface: what is exported, and that importing it needs nothing of Node. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import * as weights from "../src/index.js";

it("is this list", () => {
  expect(Object.keys(weights).sort()).toEqual([
    "ByteSourceError",
    "CheckpointError",
    "HttpError",
    "MissingActivationError",
    "PytorchError",
    "SafetensorsError",
    "TensorFileError",
    "blobSource",
    "bufferSource",
    "convertCheckpoint",
    "directoryCollection",
    "fileSource",
    "filesCollection",
    "handleCollection",
    "httpSource",
    "inspectCheckpoint",
    "openCheckpoint",
    "openSafetensors",
    "openSharded",
    "openTensorFile",
    "readTensor",
    "safetensorsHeader",
    "urlCollection",
    "writeSafetensors",
  ]);
});

it("imports nothing of Node by a name that a bundler would follow", () => {
  const folder = fileURLToPath(new URL("../src/", import.meta.url));
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts")) continue;
    const imports = readFileSync(folder + file, "utf8").match(/(?:from|import\() ?"[^".][^"]*"/g) ?? [];
    for (const specifier of imports) expect([file, specifier]).toEqual([file, 'from "@textower/graph"']);
  }
});
