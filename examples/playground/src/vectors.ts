/** Arithmetic on matrices of vectors, row after row. */

/** Vectors as rows. */
export interface Vectors {
  readonly data: Float32Array; // [count, width]
  readonly count: number;
  readonly width: number;
}

/** The dot product of a row of one and a row of the other. */
export function dot(a: Vectors, i: number, b: Vectors, j: number): number {
  let sum = 0;
  for (let c = 0; c < a.width; c++) sum += a.data[i * a.width + c]! * b.data[j * b.width + c]!;
  return sum;
}

/** Scales rows to length 1, in place. Throws for one that has none. */
export function normalize({ data, count, width }: Vectors): void {
  for (let row = 0; row < count; row++) {
    let squares = 0;
    for (let c = 0; c < width; c++) squares += data[row * width + c]! ** 2;
    const length = Math.sqrt(squares);
    if (!(length > 0 && Number.isFinite(length))) {
      throw new RangeError(`Row ${row} of the file has no direction: it is zero or not a number.`);
    }
    for (let c = 0; c < width; c++) data[row * width + c]! /= length;
  }
}

/** The mean of groups of neighbouring rows, scaled to length 1: [count / size, width]. */
export function groupMeans({ data, count, width }: Vectors, size: number): Vectors {
  const groups = count / size;
  const means = new Float32Array(groups * width);
  for (let row = 0; row < count; row++) {
    const group = Math.floor(row / size);
    for (let c = 0; c < width; c++) means[group * width + c]! += data[row * width + c]!;
  }
  const result = { data: means, count: groups, width };
  normalize(result);
  return result;
}
