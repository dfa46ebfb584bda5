/** Reads the JSON of a sharded checkpoint's index: a map from tensors to files, in which every name occurs once. */
import { CheckpointError } from "./checkpoint/errors.js";
import { SafetensorsError } from "./safetensors/errors.js";
import { Scanner, shorten } from "./safetensors/json.js";

/** What an index says. */
export interface ShardIndex {
  /** Tensor → file. */
  readonly weightMap: ReadonlyMap<string, string>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** @throws CheckpointError `bad-index` */
export function parseShardIndex(text: string, label: string): ShardIndex {
  const weightMap = new Map<string, string>();
  const metadata = new Map<string, string>();
  const scanner = new Scanner(text);
  const put = (map: Map<string, string>, key: string, value: string): void => {
    if (map.has(key))
      throw new CheckpointError("bad-index", `${label}: expected ${shorten(key)} once, got it twice`);
    map.set(key, value);
  };
  const seen = new Map<string, string>();
  try {
    scanner.object((member) => {
      put(seen, member, "");
      if (member === "weight_map") {
        scanner.object((tensor) => put(weightMap, tensor, scanner.string()));
      } else if (scanner.at("{")) scanner.object((key) => put(metadata, key, scanner.scalar()));
      else scanner.scalar();
    });
    scanner.end();
  } catch (cause) {
    if (!(cause instanceof SafetensorsError)) throw cause;
    throw new CheckpointError(
      "bad-index",
      `${label}: expected {"weight_map": {tensor: file}}: ${cause.message}`,
      {
        cause,
      },
    );
  }
  if (weightMap.size === 0)
    throw new CheckpointError("bad-index", `${label}: expected a weight_map, got none`);
  return { weightMap, metadata };
}
