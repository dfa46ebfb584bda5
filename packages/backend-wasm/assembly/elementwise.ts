/**
 * `y = activation(x) + residual`, elementwise, both optional: the end of a matrix product while its block is still in
 * the cache, and the ops add and gelu by themselves.
 */
import { erfGelu, quickGelu, tanhGelu } from "./gelu";
import { ACTIVATION_ERF, ACTIVATION_QUICK, ACTIVATION_TANH } from "../src/record";

/**
 * Rows × `columns` of x and y. Rows are padded to a multiple of 4 columns, and the padding is computed too.
 * @param residual - 0 for none
 */
export function elementwise(
  rows: u32,
  columns: u32,
  x: usize,
  xStride: usize,
  activation: u32,
  residual: usize,
  residualStride: usize,
  y: usize,
  yStride: usize,
): void {
  const bytes = ((<usize>columns + 3) >> 2) << 4;
  for (let row: u32 = 0; row < rows; row++) {
    if (activation == ACTIVATION_QUICK) quickRow(x, y, bytes);
    else if (activation == ACTIVATION_ERF) erfRow(x, y, bytes);
    else if (activation == ACTIVATION_TANH) tanhRow(x, y, bytes);
    if (residual != 0) {
      addRow(activation == 0 ? x : y, residual, y, bytes);
      residual += residualStride;
    }
    x += xStride;
    y += yStride;
  }
}

export function addRow(a: usize, b: usize, y: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    v128.store(y + i, f32x4.add(v128.load(a + i), v128.load(b + i)));
  }
}

export function quickRow(x: usize, y: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) v128.store(y + i, quickGelu(v128.load(x + i)));
}

export function erfRow(x: usize, y: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) v128.store(y + i, erfGelu(v128.load(x + i)));
}

export function tanhRow(x: usize, y: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) v128.store(y + i, tanhGelu(v128.load(x + i)));
}
