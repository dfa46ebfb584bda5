/** `y[i] = x[rows[i]] (+ addend[i])`. Rows are padded to a multiple of 4 columns, and the padding is copied too. */

/** @param addend - 0 for none */
export function gather(
  count: u32,
  columns: u32,
  rows: usize,
  x: usize,
  xStride: usize,
  addend: usize,
  addendStride: usize,
  y: usize,
  yStride: usize,
): void {
  const bytes = ((<usize>columns + 3) >> 2) << 4;
  for (let i: u32 = 0; i < count; i++) {
    const from = x + <usize>load<u32>(rows) * xStride;
    if (addend == 0) {
      memory.copy(y, from, bytes);
    } else {
      for (let at: usize = 0; at < bytes; at += 16) {
        v128.store(y + at, f32x4.add(v128.load(from + at), v128.load(addend + at)));
      }
      addend += addendStride;
    }
    rows += 4;
    y += yStride;
  }
}
