/**
 * The graph's ops in those of TensorFlow.js. Each takes and gives tensors of the runtime; whoever calls wraps them in
 * `tidy`. Not here: the order of nodes (`evaluate.ts`).
 */
import type { GeluForm } from "@textower/graph";
import type * as core from "@tensorflow/tfjs-core";

/** The module `@tensorflow/tfjs-core`, or `@tensorflow/tfjs`, which has all of it. */
export type Tfjs = typeof core;
export type Matrix = core.Tensor2D;

/** @param x - [n, c]; weight, bias: [c] */
export function layerNorm(
  tf: Tfjs,
  x: Matrix,
  weight: core.Tensor,
  bias: core.Tensor,
  epsilon: number,
): Matrix {
  const centred = tf.sub(x, tf.mean(x, 1, true)); // [n, c]
  const variance = tf.mean(tf.square(centred), 1, true); // [n, 1]
  const scaled = tf.mul<Matrix>(centred, tf.rsqrt(tf.add(variance, epsilon)));
  return tf.add<Matrix>(tf.mul<Matrix>(scaled, weight), bias);
}

/** @param weight - transposed: [in, out] */
export function linear(tf: Tfjs, x: Matrix, weight: Matrix, bias: core.Tensor | undefined): Matrix {
  const product = tf.matMul<Matrix>(x, weight);
  return bias === undefined ? product : tf.add<Matrix>(product, bias);
}

/** Slope of the sigmoid in QuickGELU: openai/CLIP, `clip/model.py`. */
const QUICK_GELU_SLOPE = 1.702;

export function gelu(tf: Tfjs, x: Matrix, form: GeluForm): Matrix {
  switch (form) {
    case "quick":
      return tf.mul(x, tf.sigmoid(tf.mul(x, QUICK_GELU_SLOPE)));
    case "erf":
      // tfjs's erf is an approximation (Abramowitz and Stegun 7.1.26, |error| ≤ 1.5e-7).
      return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
    case "tanh": {
      // Hendrycks and Gimpel, "Gaussian Error Linear Units", section 2.
      const cubed = tf.mul(tf.mul(x, tf.square(x)), 0.044715);
      const inner = tf.mul(tf.add(x, cubed), Math.sqrt(2 / Math.PI));
      return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
    }
    default:
      return form satisfies never;
  }
}

/**
 * Multi-head attention.
 * @param query - [m, c]
 * @param key - [n, c]
 * @param value - [n, c]
 * @param mask - see `buildMask`. [m, n]
 * @returns [m, c]
 */
export function attention(
  tf: Tfjs,
  query: Matrix,
  key: Matrix,
  value: Matrix,
  heads: number,
  mask: Matrix,
): Matrix {
  const size = query.shape[1] / heads;
  const byHead = (x: Matrix): core.Tensor3D =>
    tf.transpose(tf.reshape(x, [x.shape[0], heads, size]), [1, 0, 2]); // [heads, rows, size]
  const scores = tf.matMul(tf.mul(byHead(query), 1 / Math.sqrt(size)), byHead(key), false, true);
  const weights = tf.softmax(tf.add(scores, mask)); // [heads, m, n]
  const mixed = tf.matMul(weights, byHead(value)); // [heads, m, size]
  return tf.reshape(tf.transpose(mixed, [1, 0, 2]), query.shape);
}
