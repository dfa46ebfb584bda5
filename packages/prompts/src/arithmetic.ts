/**
 * Arithmetic on embeddings. Operands count by their direction alone: each is scaled to length 1 first, so that weights mean
 * what they say, and every result has length 1. Sums are taken in float64. Operands are never changed.
 *
 * Not here: sums of hidden states, as image generators weight them.
 */
import type { Vector } from "textower";
import { PromptsError } from "./errors.js";

/**
 * Of a result this short, relative to what went into it, only rounding is left: float32 has a relative error of 6e-8, and
 * unit vectors that cancel out leave a few times that.
 */
const NO_DIRECTION = 1e-6;

/**
 * A weighted mix: Σ weight · embedding, scaled to length 1. Negative weights take something away.
 * @param terms - embeddings of one width, each with its weight
 * @returns [embedDim], new
 * @throws RangeError for no terms or a weight that is not finite; PromptsError `width`, `bad-vector`, or `no-direction` where
 *   the terms cancel out
 * @example mix([[house, 1], [snow, 0.5], [people, -0.5]])
 */
export function mix(terms: readonly (readonly [embedding: Vector, weight: number])[]): Float32Array {
  if (terms.length === 0) throw new RangeError("mix: expected terms, got none");
  for (const [, weight] of terms) {
    if (!Number.isFinite(weight)) throw new RangeError(`mix: expected finite weights, got ${weight}`);
  }
  const units = unitVectors(
    "mix",
    terms.map(([embedding]) => embedding),
  );
  const weights = terms.map(([, weight]) => weight);
  return direction("mix", weighted(units, weights), weights);
}

/**
 * From one embedding to another along the straight line: `mix` with weights 1 − t and t.
 * @param t - 0 gives `from`, 1 gives `to`; beyond them it goes on
 * @returns [embedDim], new, of length 1
 * @throws as `mix`
 */
export function lerp(from: Vector, to: Vector, t: number): Float32Array {
  return mix([
    [from, 1 - t],
    [to, t],
  ]);
}

/**
 * From one embedding to another along the great circle, so that equal steps of `t` are equal angles (Shoemake, "Animating
 * Rotation with Quaternion Curves", 1985).
 * @param t - 0 gives `from`, 1 gives `to`; beyond them it goes on
 * @returns [embedDim], new, of length 1
 * @throws RangeError for a `t` that is not finite; PromptsError `width`, `bad-vector`, or `no-direction` for opposite
 *   embeddings, between which every way is as short as any other
 */
export function slerp(from: Vector, to: Vector, t: number): Float32Array {
  if (!Number.isFinite(t)) throw new RangeError(`slerp: expected a finite t, got ${t}`);
  const units = unitVectors("slerp", [from, to]);
  const sum = lengthOf(weighted(units, [1, 1]));
  const angle = 2 * Math.atan2(lengthOf(weighted(units, [-1, 1])), sum); // exact for small angles, as acos is not
  if (sum < NO_DIRECTION) throw cancelled("slerp", sum);
  const sine = Math.sin(angle);
  const weights =
    sine < NO_DIRECTION ? [1 - t, t] : [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine];
  return direction("slerp", weighted(units, weights), weights);
}

/**
 * An embedding without what it has in common with others: its part at right angles to all of them, scaled to length 1.
 * Cosines with each of `unwanted` are 0 afterwards, where a negative weight may leave too much or take too much.
 * @param unwanted - embeddings of the same width
 * @returns [embedDim], new
 * @throws PromptsError `width`, `bad-vector`, or `no-direction` where nothing is left
 * @example without(beach, [people])
 */
export function without(embedding: Vector, unwanted: readonly Vector[]): Float32Array {
  const [rest, ...others] = unitVectors("without", [embedding, ...unwanted]) as [
    Float64Array,
    ...Float64Array[],
  ];
  const basis: Float64Array[] = [];
  for (const other of others) {
    if (takeAway(other, basis) < NO_DIRECTION) continue; // it says nothing that those before have not said
    basis.push(other.map((value) => value / lengthOf(other)));
  }
  takeAway(rest, basis);
  return direction("without", rest, [1]);
}

/**
 * Takes the parts of `vector` along `basis`, unit vectors at right angles to one another, away; twice, since the first time
 * leaves rounding behind.
 * @returns the length of what is left
 */
function takeAway(vector: Float64Array, basis: readonly Float64Array[]): number {
  for (let time = 0; time < 2; time++) {
    for (const axis of basis) {
      let dot = 0;
      for (let i = 0; i < vector.length; i++) dot += vector[i]! * axis[i]!;
      for (let i = 0; i < vector.length; i++) vector[i]! -= dot * axis[i]!;
    }
  }
  return lengthOf(vector);
}

/** Σ weight · vector. [embedDim] */
function weighted(vectors: readonly Float64Array[], weights: readonly number[]): Float64Array {
  const sum = new Float64Array(vectors[0]!.length);
  vectors.forEach((vector, term) => {
    for (let i = 0; i < sum.length; i++) sum[i]! += weights[term]! * vector[i]!;
  });
  return sum;
}

/** A result at length 1, unless it has lost its direction. */
function direction(who: string, sum: Float64Array, weights: readonly number[]): Float32Array {
  const length = lengthOf(sum);
  const most = weights.reduce((total, weight) => total + Math.abs(weight), 0);
  if (!(length > NO_DIRECTION * most && length < Infinity)) throw cancelled(who, length);
  return Float32Array.from(sum, (value) => value / length);
}

function cancelled(who: string, length: number): PromptsError {
  return new PromptsError(
    "no-direction",
    `${who}: expected embeddings that leave a direction, got a sum of length ${length.toPrecision(2)}`,
  );
}

/** Copies of length 1. @throws PromptsError `width`, `bad-vector` */
function unitVectors(who: string, vectors: readonly Vector[]): Float64Array[] {
  return vectors.map((vector, index) => {
    if (vector.length !== vectors[0]!.length) {
      const got = `${vectors[0]!.length} and ${vector.length}`;
      throw new PromptsError("width", `${who}: expected embeddings of one width, got ${got}`);
    }
    const length = lengthOf(vector);
    if (!(length > 0 && length < Infinity)) {
      const message = `${who}: expected an embedding with a length, got ${length} for number ${index}`;
      throw new PromptsError("bad-vector", message);
    }
    return Float64Array.from(vector, (value) => value / length);
  });
}

/** Euclidean. */
function lengthOf(vector: Vector): number {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += vector[i]! * vector[i]!;
  return Math.sqrt(squares);
}
