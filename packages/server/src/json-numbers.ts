/**
 * Numbers of an answer as JSON. A float32 printed as the double that it is takes 17 digits, most of which say nothing:
 * here it has as few as give the same float32 back, whether a client reads it as a double first or as a float32 at once.
 */

/** Decimals that are tried first. Components of unit vectors of some hundred numbers need 8 or 9. */
const FEWEST_DECIMALS = 7;
/** Below this, or from 1, numbers are rare in such vectors, and are printed as any number is. From it, 12 decimals will do. */
const SMALLEST = 1e-4;
const POWERS = Array.from({ length: 13 }, (_, decimals) => 10 ** decimals); // exact
/** Longest text of a number, with sign and comma: "-1.2345678806304932e-10,". */
const LONGEST = 26;
/** The neighbours of a double lie between it and its product with these. */
const [BELOW, ABOVE] = [1 - 2 ** -52, 1 + 2 ** -52];
const [COMMA, MINUS, POINT, ZERO] = [0x2c, 0x2d, 0x2e, 0x30];

/** Where texts are put together; nothing in it outlives a call. */
let scratch = Buffer.alloc(0);

/** The numbers with commas between them, each as `null` if it is not finite: what `JSON.stringify` prints of it. */
export function jsonNumbers(values: Float32Array): string {
  if (scratch.length < values.length * LONGEST) scratch = Buffer.alloc(values.length * LONGEST);
  let length = 0;
  for (let i = 0; i < values.length; i++) {
    if (i > 0) scratch[length++] = COMMA;
    length = writeNumber(values[i]!, scratch, length);
  }
  return scratch.toString("latin1", 0, length);
}

/** @returns where the text ends */
function writeNumber(value: number, text: Buffer, begin: number): number {
  const size = Math.abs(value);
  if (!(size >= SMALLEST && size < 1)) return begin + text.write(anyNumber(value), begin, "latin1");
  let decimals = FEWEST_DECIMALS;
  let digits = Math.round(size * POWERS[decimals]!); // at most 2 ** 28: where more decimals are needed, zeros lead them
  while (!givesBack(digits / POWERS[decimals]!, size)) digits = Math.round(size * POWERS[++decimals]!);
  while (digits % 10 === 0) {
    digits /= 10;
    decimals--;
  }
  let end = begin;
  if (value < 0) text[end++] = MINUS;
  text[end++] = ZERO;
  text[end++] = POINT;
  end += decimals;
  for (let at = end - 1, rest = digits | 0; at >= end - decimals; at--) {
    const tenth = (rest / 10) | 0;
    text[at] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return end;
}

/** Whether what is read of a decimal text is `size`, rounded once or twice. `read` is that text as the nearest double. */
function givesBack(read: number, size: number): boolean {
  return Math.fround(read * BELOW) === size && Math.fround(read * ABOVE) === size;
}

function anyNumber(value: number): string {
  if (!Number.isFinite(value)) return "null";
  for (let digits = 6; digits <= 9; digits++) {
    const read = Number(value.toPrecision(digits));
    if (givesBack(read, value)) return String(read);
  }
  return String(value);
}
