export const REFUSALS: ReadonlySet<string>;
export function generator(seed: number): (below: number) => number;
export function mutate(sound: Uint8Array, random: (below: number) => number): Uint8Array<ArrayBuffer>;
