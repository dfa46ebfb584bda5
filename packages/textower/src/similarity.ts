/** Cosine similarity of embeddings. Not here: search in large indices. */

/** A vector as embeddings come: float32, or plain numbers. */
export type Vector = ArrayLike<number>;

/**
 * Cosine similarity of every `a` with every `b`, in −1 … 1; for normalised vectors that is their dot product.
 * @param a, b - vectors of one width
 * @returns [a.length][b.length], new arrays
 * @throws RangeError for vectors of different widths or without length
 * @example similarity(texts, images)[0] // how the first text compares with each image
 */
export function similarity(a: readonly Vector[], b: readonly Vector[]): Float32Array[] {
  const normsB = b.map(length);
  return a.map((vector) => {
    const norm = length(vector);
    return Float32Array.from(b, (other, i) => dot(vector, other) / (norm * normsB[i]!));
  });
}

function dot(a: Vector, b: Vector): number {
  if (a.length !== b.length)
    throw new RangeError(`similarity: expected vectors of one width, got ${a.length} and ${b.length}`);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function length(vector: Vector): number {
  const squares = dot(vector, vector);
  if (!(squares > 0 && squares < Infinity))
    throw new RangeError(`similarity: expected a vector with a length, got ${Math.sqrt(squares)}`);
  return Math.sqrt(squares);
}
