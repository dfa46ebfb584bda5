/**
 * A process that downloads one file: node download-process.mjs '{"endpoint", "cacheDirectory", "download", "uid"}'.
 * Prints one line of JSON: the SHA-256 of what it read, or the code of its error.
 */
import { createHash } from "node:crypto";
import { openHub } from "../dist/index.js";

const { uid, ...options } = JSON.parse(process.argv[2]);
process.on("SIGXFSZ", () => {}); // a file size limit is to be an error, not the end
if (uid !== undefined) process.seteuid(uid);
const report = (outcome) => process.stdout.write(`${JSON.stringify(outcome)}\n`);
try {
  const collection = await openHub("some/model", { token: null, ...options });
  const source = await collection.open("model.safetensors");
  const bytes = new Uint8Array(source.size);
  await source.read(0, bytes);
  await source.close();
  report({ sha256: createHash("sha256").update(bytes).digest("hex") });
} catch (error) {
  report({ name: error.name, code: error.code, message: error.message });
}
