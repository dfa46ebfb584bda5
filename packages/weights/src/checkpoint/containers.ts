/** Where in a file the text tower lies: anywhere, or within a larger model that has one. */
import type { TensorEntry } from "../tensor-file.js";
import { CheckpointError } from "./errors.js";
import { list, schemesOf, withoutModule } from "./naming.js";
import type { NamedEntry } from "./naming.js";

/**
 * What stands before the names of a text tower within a Stable Diffusion checkpoint in one file: 1.x, 2.x, the two
 * towers of XL (`0.transformer`, `1.model`), and the one of its refiner. Everything outside is another part of that
 * model. Source: the configs of stable-diffusion and generative-models, whose modules these are.
 */
const CONTAINERS = [
  "cond_stage_model.transformer.",
  "cond_stage_model.model.",
  "conditioner.embedders.0.transformer.",
  "conditioner.embedders.0.model.",
  "conditioner.embedders.1.model.",
] as const;

/**
 * The tensors among which the tower is looked for, by their names there: all of a file, without `module.`; or what lies
 * in one of the containers of Stable Diffusion.
 * @param container - which, where a file has several, as Stable Diffusion XL does; undefined: the only one
 * @throws CheckpointError `unknown-naming` for several containers with a tower, or a given one that is not there
 */
export function openContainer(
  entries: ReadonlyMap<string, TensorEntry>,
  container: string | undefined,
  file: string,
): ReadonlyMap<string, NamedEntry> {
  const bare = new Map<string, NamedEntry>();
  for (const [name, entry] of entries) {
    const key = withoutModule(name);
    const other = bare.get(key);
    if (other !== undefined) {
      throw new CheckpointError(
        "duplicate-tensor",
        `${file}: expected one tensor ${list([key])}, got ${list([other.name, name])}`,
      );
    }
    bare.set(key, { name, entry });
  }
  const within = (prefix: string): Map<string, NamedEntry> =>
    new Map(
      [...bare].flatMap(([name, each]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), each]] : [],
      ),
    );
  const present: string[] = CONTAINERS.filter((prefix) => schemesOf(within(prefix)).length > 0);
  const ambiguous = present.length + (schemesOf(bare).length > 0 ? 1 : 0) > 1;
  if (container !== undefined ? !present.includes(container) : ambiguous) {
    throw new CheckpointError(
      "unknown-naming",
      `${file}: expected the option container to be one of ${present.join(", ") || "none"}, got ${container ?? "none"}`,
    );
  }
  const chosen = container ?? present[0];
  return chosen === undefined ? bare : within(chosen);
}
