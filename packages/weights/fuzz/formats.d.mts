import type * as weights from "../src/index.js";

export interface FuzzedFormat {
  readonly name: string;
  readonly sound: Uint8Array<ArrayBuffer>;
  readonly open: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>;
}

export declare function formats(
  library: Pick<typeof weights, "bufferSource" | "openCheckpoint" | "openTensorFile" | "readTensor">,
): FuzzedFormat[];
