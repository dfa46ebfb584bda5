/**
 * The Hub's environment variables (huggingface_hub `constants.py`, `utils/_auth.py`), read when they are needed and not
 * when the package is loaded.
 */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Surroundings } from "../platform.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment says. */
export async function surroundingsOf(env: Environment): Promise<Surroundings> {
  const caches = given(env["XDG_CACHE_HOME"]) ?? join(homedir(), ".cache");
  const home = expand(given(env["HF_HOME"])) ?? join(caches, "huggingface");
  const cacheDirectory =
    expand(given(env["HF_HUB_CACHE"]) ?? given(env["HUGGINGFACE_HUB_CACHE"])) ?? join(home, "hub");
  const endpoint = given(env["HF_ENDPOINT"]);
  const token = await findToken(env, home);
  const seconds = Number(given(env["HF_HUB_DOWNLOAD_TIMEOUT"]) ?? Number.NaN);
  return {
    cacheDirectory,
    offline: isTrue(env["HF_HUB_OFFLINE"]) || isTrue(env["TRANSFORMERS_OFFLINE"]),
    ...(endpoint !== undefined && { endpoint }),
    ...(token !== undefined && { token }),
    ...(seconds > 0 && { timeoutMs: seconds * 1000 }),
  };
}

/** Whether snapshots may be symlinks. */
export function symlinksAllowed(env: Environment): boolean {
  return !isTrue(env["HF_HUB_DISABLE_SYMLINKS"]);
}

async function findToken(env: Environment, home: string): Promise<string | undefined> {
  if (isTrue(env["HF_HUB_DISABLE_IMPLICIT_TOKEN"])) return undefined;
  const named = given(env["HF_TOKEN"]) ?? given(env["HUGGING_FACE_HUB_TOKEN"]);
  if (named !== undefined) return named;
  const path = expand(given(env["HF_TOKEN_PATH"])) ?? join(home, "token");
  // A token that cannot be read is none: most files need none.
  return given(await readFile(path, "utf8").catch(() => undefined));
}

/** Line ends around a value come from shells and editors. */
function given(value: string | undefined): string | undefined {
  const trimmed = value?.trim();
  return trimmed === "" ? undefined : trimmed;
}

function isTrue(value: string | undefined): boolean {
  return ["1", "ON", "YES", "TRUE"].includes(value?.trim().toUpperCase() ?? "");
}

function expand(path: string | undefined): string | undefined {
  return path?.replace(/^~(?=$|[/\\])/, homedir());
}
