/** Which backend an encoder runs on. Nothing is guessed: what was chosen stands in `encoder.info`. */
import { backend, listBackends } from "@textower/graph";
import type { Backend } from "@textower/graph";
import { SetupError } from "./errors.js";

/**
 * A backend as given, by its registered name, or for `"auto"` the first registered one that is supported here. Where
 * none is registered, `"auto"` is WebAssembly, which is loaded only then.
 * @throws RegistryError for a name nobody registered; SetupError if none is supported, with each one's reason
 */
export async function chooseBackend(choice: Backend | string): Promise<Backend> {
  if (typeof choice !== "string") return requireSupport(choice);
  if (choice !== "auto") return requireSupport(backend(choice));
  if (listBackends().length === 0) {
    const { wasm } = await import("@textower/backend-wasm");
    return requireSupport(wasm());
  }
  const reasons: string[] = [];
  for (const candidate of listBackends()) {
    const support = await candidate.isSupported();
    if (support.supported) return candidate;
    reasons.push(`${candidate.name}: ${support.reason}`);
  }
  throw new SetupError(
    `createTextEncoder: expected a registered backend that works here, got ${reasons.join("; ")}`,
  );
}

async function requireSupport(chosen: Backend): Promise<Backend> {
  const support = await chosen.isSupported();
  if (!support.supported) {
    throw new SetupError(
      `createTextEncoder: expected a backend that works here, got ${chosen.name}: ${support.reason}`,
    );
  }
  return chosen;
}
