/**
 * Whether everybody computes the same function: a few prompts of different lengths, in one padded batch where there
 * are batches, beside the plain loops of `@textower/backend-reference`.
 */
import { reference } from "@textower/backend-reference";
import { createTextEncoder } from "textower";

const TEXTS = [
  "a photo of a cat",
  "graffiti",
  "News photo: after heavy rain, the mechanic inspects a rust-coloured night train that was swept along the railway.",
];

/** What 8-bit weights still reach; less is another function. */
const LEAST_COSINE = 0.995;

/** The reference's vectors, a promise once they were asked for. */
let expected;

/**
 * @param contestant - see `contestants/index.mjs`
 * @throws Error if it computes something else
 * @returns `greatest` absolute difference between elements of vectors of length 1, and the `leastCosine`
 */
export async function checkAgreement(contestant, checkpoint, tokenizer) {
  expected ??= referenceVectors(checkpoint);
  const wanted = await expected;
  const prompts = TEXTS.map((text) => ({ text, ids: tokenizer.encode(text).ids }));
  const job = contestant.prepare(prompts, { batch: prompts.length, rows: "longest" });
  const got = (await contestant.run(job)).map(normalised);
  let [greatest, leastCosine] = [0, 1];
  wanted.forEach((vector, i) => {
    const other = got[i];
    if (other.length !== vector.length)
      throw new RangeError(`expected ${vector.length} elements, got ${other.length}`);
    let cosine = 0;
    for (let j = 0; j < vector.length; j++) {
      greatest = Math.max(greatest, Math.abs(vector[j] - other[j]));
      cosine += vector[j] * other[j];
    }
    leastCosine = Math.min(leastCosine, cosine);
  });
  if (!(leastCosine >= LEAST_COSINE))
    throw new Error(`expected the reference's vectors, got cosine ${leastCosine}`);
  return { greatest, leastCosine };
}

async function referenceVectors(model) {
  const encoder = await createTextEncoder({ model, activation: "quick_gelu", backend: reference() });
  const { embeddings } = await encoder.encode(TEXTS);
  await encoder.dispose();
  return embeddings;
}

function normalised(vector) {
  const length = Math.hypot(...vector);
  return Float32Array.from(vector, (value) => value / length);
}
