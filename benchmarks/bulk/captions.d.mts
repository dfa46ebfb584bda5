/** Caption after caption, without end. */
export function captions(seed?: number): Generator<string, never, undefined>;
/** Writes a file of captions, one a line. */
export function writeCaptions(path: string, count: number): Promise<void>;
