/** `BlockStorage` where there is none: pages that are not secure contexts, runtimes at the edge. */
import type { BlockStorage } from "../blocks/block-storage.js";
import { HubError } from "../errors.js";

export const noStorage: BlockStorage = {
  read: async () => undefined,
  async write() {
    throw new HubError("cache-not-writable", "there is no storage here: nothing is kept");
  },
  list: async () => [],
  async remove() {},
};
