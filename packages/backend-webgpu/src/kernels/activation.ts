/** The activations in WGSL, on `vec4<f32>`. */
import type { GeluForm } from "@textower/graph";

/**
 * Exponents are bounded, since WGSL may turn an infinity into anything (WGSL, section "Floating Point Evaluation"), and
 * its `tanh` overflows on some drivers.
 *
 * erf: with s = |x| / √2, erfc(s) = e^(−s²) · t (a1 + a2 t + … + a5 t⁴), t = 1 / (1 + p s), to 1.5e-7 (Abramowitz and
 * Stegun, 7.1.26).
 */
const FUNCTIONS: Record<GeluForm, string> = {
  quick: `
fn activation(x: vec4<f32>) -> vec4<f32> {
  return x / (1.0 + exp(min(-1.702 * x, vec4<f32>(80.0))));
}`,
  erf: `
fn activation(x: vec4<f32>) -> vec4<f32> {
  let s = min(abs(x) * 0.70710678118, vec4<f32>(9.0));
  let t = 1.0 / (1.0 + 0.3275911 * s);
  let p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let tail = 0.5 * p * exp(-s * s);
  return x * select(tail, 1.0 - tail, x >= vec4<f32>(0.0));
}`,
  tanh: `
fn activation(x: vec4<f32>) -> vec4<f32> {
  let u = 1.5957691216 * (x + 0.044715 * x * x * x);
  return x / (1.0 + exp(clamp(-u, vec4<f32>(-80.0), vec4<f32>(80.0))));
}`,
};

/** WGSL of `activation`, or nothing. */
export function activationText(form: GeluForm | undefined): string {
  return form === undefined ? "" : FUNCTIONS[form];
}

/** WGSL that applies it. */
export function activated(form: GeluForm | undefined, value: string): string {
  return form === undefined ? value : `activation(${value})`;
}
