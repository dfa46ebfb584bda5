/**
 * A head as one small safetensors file: `weights` float32 [classes, embedDim], `logit_scale` float32 [], and in the
 * metadata the format, the checkpoint, and classes and templates as JSON.
 *
 * A file is believed only after all of it has been checked.
 */
import { bufferSource, openSafetensors, readTensor, writeSafetensors } from "@textower/weights";
import { ZeroShotError } from "./errors.js";
import { lengthOf, ZeroShotHead } from "./head.js";

/** Says what the file is, and in which version. */
const FORMAT = "textower.zero-shot-head.1";
/** Float32 rounding of a unit vector of any embedding's width stays far below this. */
const UNIT_TOLERANCE = 1e-4;

/** @returns the bytes of a file, the caller's */
export function writeZeroShotHead(head: ZeroShotHead): Uint8Array {
  const { checkpoint, classes, templates, logitScale, embedDim, weights } = head;
  return writeSafetensors(
    {
      weights: { dtype: "F32", shape: [classes.length, embedDim], data: weights },
      logit_scale: { dtype: "F32", shape: [], data: Float32Array.of(logitScale) },
    },
    { format: FORMAT, checkpoint, classes: JSON.stringify(classes), templates: JSON.stringify(templates) },
  );
}

/**
 * Reads what `writeZeroShotHead` wrote.
 *
 * Rejects with SafetensorsError for bytes that are no safetensors, ZeroShotError `bad-file` for one that is no head.
 * @example const head = await readZeroShotHead(await readFile("animals.safetensors"));
 */
export async function readZeroShotHead(bytes: Uint8Array): Promise<ZeroShotHead> {
  const file = await openSafetensors(bufferSource(bytes, "zero-shot head"));
  try {
    const format = file.metadata.get("format");
    if (format !== FORMAT) throw bad(`format ${FORMAT}`, format);
    const checkpoint = file.metadata.get("checkpoint");
    if (checkpoint === undefined) throw bad("a checkpoint", checkpoint);
    const classes = stringsOf("classes", file.metadata.get("classes"));
    const templates = stringsOf("templates", file.metadata.get("templates"));
    const entry = file.entries.get("weights");
    const embedDim = entry?.shape[1] ?? 0;
    if (
      entry?.dtype !== "F32" ||
      entry.shape.length !== 2 ||
      entry.shape[0] !== classes.length ||
      embedDim === 0
    ) {
      throw bad(
        `weights F32 [${classes.length}, embedDim]`,
        entry && `${entry.dtype} [${entry.shape.join(", ")}]`,
      );
    }
    const scale = file.entries.get("logit_scale");
    if (scale?.dtype !== "F32" || scale.shape.length !== 0)
      throw bad("logit_scale F32 []", scale?.shape.join(", "));
    const weights = (await readTensor(file, "weights")).data as Float32Array;
    const logitScale = (await readTensor(file, "logit_scale")).data[0]!;
    if (!Number.isFinite(logitScale)) throw bad("a finite logit_scale", logitScale);
    classes.forEach((name, index) => {
      const length = lengthOf(weights.subarray(index * embedDim, (index + 1) * embedDim));
      if (!(Math.abs(length - 1) <= UNIT_TOLERANCE))
        throw bad(`a vector of length 1 for ${JSON.stringify(name)}`, length);
    });
    return new ZeroShotHead({ checkpoint, classes, templates, logitScale, embedDim, weights });
  } finally {
    await file.close();
  }
}

function stringsOf(name: string, json: string | undefined): string[] {
  let list: unknown;
  try {
    list = JSON.parse(json ?? "");
  } catch (cause) {
    throw bad(`${name} as JSON`, json?.slice(0, 60), { cause });
  }
  if (!Array.isArray(list) || list.length === 0 || !list.every((each) => typeof each === "string")) {
    throw bad(`${name} as a list of strings`, json?.slice(0, 60));
  }
  return list as string[];
}

function bad(expected: string, got: unknown, options?: ErrorOptions): ZeroShotError {
  return new ZeroShotError("bad-file", `readZeroShotHead: expected ${expected}, got ${String(got)}`, options);
}
