/** One kill. */
export interface Kill {
  readonly afterSeconds: number;
  readonly finishedShards: number;
  /** Whether shards were becoming the output. */
  readonly assembling: boolean;
}

/** See kill-and-resume.mjs. */
export function killAndResume(options: {
  command: (output: string) => string[];
  peaceful: string;
  killed: string;
  kills: number;
  log?: (line: string) => void;
}): Promise<{ same: boolean; seconds: number; kills: Kill[] }>;
