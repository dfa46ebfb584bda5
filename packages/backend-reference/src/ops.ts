/**
 * The ops as their formulas in `@textower/graph` say them: float32 storage, float64 sums, no cleverness.
 * This is what every other backend is compared with. It is slow, and stays slow: readability is its purpose.
 */
import type { GeluForm } from "@textower/graph";

/** A float32 matrix, row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array; // [rows, columns]
}

export function matrix(
  rows: number,
  columns: number,
  data: Float32Array = new Float32Array(rows * columns),
): Matrix {
  return { rows, columns, data };
}

export function gather(x: Matrix, rows: Int32Array): Matrix {
  const y = matrix(rows.length, x.columns);
  rows.forEach((row, i) =>
    y.data.set(x.data.subarray(row * x.columns, (row + 1) * x.columns), i * x.columns),
  );
  return y;
}

export function concat(a: Matrix, b: Matrix): Matrix {
  const y = matrix(a.rows + b.rows, a.columns);
  y.data.set(a.data);
  y.data.set(b.data, a.data.length);
  return y;
}

export function add(a: Matrix, b: Matrix): Matrix {
  return matrix(
    a.rows,
    a.columns,
    a.data.map((value, i) => value + b.data[i]!),
  );
}

export function layerNorm(x: Matrix, weight: Float32Array, bias: Float32Array, epsilon: number): Matrix {
  const y = matrix(x.rows, x.columns);
  for (let row = 0; row < x.rows; row++) {
    const at = row * x.columns;
    let sum = 0;
    for (let c = 0; c < x.columns; c++) sum += x.data[at + c]!;
    const mean = sum / x.columns;
    let squares = 0;
    for (let c = 0; c < x.columns; c++) squares += (x.data[at + c]! - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / x.columns + epsilon);
    for (let c = 0; c < x.columns; c++)
      y.data[at + c] = (x.data[at + c]! - mean) * scale * weight[c]! + bias[c]!;
  }
  return y;
}

/** @param weight - [out, in] */
export function linear(x: Matrix, weight: Matrix, bias: Float32Array | undefined): Matrix {
  const y = matrix(x.rows, weight.rows);
  for (let row = 0; row < x.rows; row++) {
    for (let out = 0; out < weight.rows; out++) {
      let sum = bias === undefined ? 0 : bias[out]!;
      const xAt = row * x.columns;
      const wAt = out * x.columns;
      for (let c = 0; c < x.columns; c++) sum += x.data[xAt + c]! * weight.data[wAt + c]!;
      y.data[row * weight.rows + out] = sum;
    }
  }
  return y;
}

/** Slope of the sigmoid in QuickGELU: openai/CLIP, `clip/model.py`. */
const QUICK_GELU_SLOPE = 1.702;

const GELU: Record<GeluForm, (x: number) => number> = {
  quick: (x) => x / (1 + Math.exp(-QUICK_GELU_SLOPE * x)),
  erf: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  // Hendrycks and Gimpel, "Gaussian Error Linear Units", section 2.
  tanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
};

export function gelu(x: Matrix, form: GeluForm): Matrix {
  return matrix(x.rows, x.columns, x.data.map(GELU[form]));
}

/**
 * The error function to float64 accuracy: its Maclaurin series below 3, beyond that 1 − erfc by the continued fraction
 * (Abramowitz and Stegun 7.1.6 and 7.1.14).
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return NaN;
  if (a > 6) return Math.sign(x);
  if (a < 3) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}

/** Columns of a matrix, from `begin`. */
export interface ColumnView {
  readonly matrix: Matrix;
  readonly begin: number;
}

/** Multi-head attention. `sees(row)` lists the key rows that a key row sees, itself included. */
export function attention(
  query: ColumnView,
  key: ColumnView,
  value: ColumnView,
  width: number,
  heads: number,
  queryRows: Int32Array | undefined,
  sees: (row: number) => readonly number[],
): Matrix {
  const size = width / heads; // of a head
  const at = (view: ColumnView, row: number, head: number): number =>
    row * view.matrix.columns + view.begin + head * size;
  const y = matrix(query.matrix.rows, width);
  for (let row = 0; row < y.rows; row++) {
    const visible = sees(queryRows === undefined ? row : queryRows[row]!);
    for (let head = 0; head < heads; head++) {
      const q = at(query, row, head);
      const scores = visible.map((other) => {
        const k = at(key, other, head);
        let dot = 0;
        for (let c = 0; c < size; c++) dot += query.matrix.data[q + c]! * key.matrix.data[k + c]!;
        return dot / Math.sqrt(size);
      });
      const largest = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - largest));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (let c = 0; c < size; c++) {
        let sum = 0;
        visible.forEach((other, i) => {
          sum += weights[i]! * value.matrix.data[at(value, other, head) + c]!;
        });
        y.data[row * width + head * size + c] = sum / total;
      }
    }
  }
  return y;
}

/** A row and all its ancestors. */
export function ancestors(parents: Int32Array, row: number): number[] {
  const rows: number[] = [];
  for (let other = row; other >= 0; other = parents[other]!) rows.push(other);
  return rows;
}

/** All rows of a row's segment. */
export function segmentRows(segments: Int32Array, row: number): number[] {
  const rows: number[] = [];
  segments.forEach((segment, other) => {
    if (segment === segments[row]) rows.push(other);
  });
  return rows;
}
