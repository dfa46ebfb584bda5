/** `y = (x − mean(x)) / √(var(x) + epsilon) · weight + bias`, row by row. Two passes over x: mean first, then squares. */
import { madd, sumLanes } from "./arithmetic";

export function layerNorm(
  rows: u32,
  columns: u32,
  x: usize,
  xStride: usize,
  weight: usize,
  bias: usize,
  epsilon: f32,
  y: usize,
  yStride: usize,
): void {
  const count: f32 = <f32>columns;
  const whole = (<usize>columns >> 3) << 5; // bytes in groups of 8 columns
  const bytes = <usize>columns << 2;
  for (let row: u32 = 0; row < rows; row++) {
    let sum0 = f32x4.splat(0);
    let sum1 = f32x4.splat(0);
    for (let i: usize = 0; i < whole; i += 32) {
      sum0 = f32x4.add(sum0, v128.load(x + i));
      sum1 = f32x4.add(sum1, v128.load(x + i, 16));
    }
    let sum = sumLanes(f32x4.add(sum0, sum1));
    for (let i = whole; i < bytes; i += 4) sum += load<f32>(x + i);
    const mean = sum / count;

    const means = f32x4.splat(mean);
    sum0 = f32x4.splat(0);
    sum1 = f32x4.splat(0);
    for (let i: usize = 0; i < whole; i += 32) {
      const d0 = f32x4.sub(v128.load(x + i), means);
      const d1 = f32x4.sub(v128.load(x + i, 16), means);
      sum0 = madd(d0, d0, sum0);
      sum1 = madd(d1, d1, sum1);
    }
    let squares = sumLanes(f32x4.add(sum0, sum1));
    for (let i = whole; i < bytes; i += 4) {
      const d = load<f32>(x + i) - mean;
      squares += d * d;
    }
    const scale: f32 = 1 / sqrt<f32>(squares / count + epsilon);

    const scales = f32x4.splat(scale);
    for (let i: usize = 0; i < whole; i += 32) {
      const d0 = f32x4.mul(f32x4.sub(v128.load(x + i), means), scales);
      const d1 = f32x4.mul(f32x4.sub(v128.load(x + i, 16), means), scales);
      v128.store(y + i, madd(d0, v128.load(weight + i), v128.load(bias + i)));
      v128.store(y + i, madd(d1, v128.load(weight + i, 16), v128.load(bias + i, 16)), 16);
    }
    for (let i = whole; i < bytes; i += 4) {
      store<f32>(y + i, (load<f32>(x + i) - mean) * scale * load<f32>(weight + i) + load<f32>(bias + i));
    }
    x += xStride;
    y += yStride;
  }
}
