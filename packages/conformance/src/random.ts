/** Numbers and row structures for cases: scattered, the same every time. */
import { tensor } from "@textower/graph";
import type { Tensor, WeightSource } from "@textower/graph";
import { syntheticValues } from "./synthetic.js";

/** A float32 matrix with elements within ± halfRange, chosen by `name`. */
export function randomMatrix(name: string, rows: number, columns: number, halfRange = 2): Tensor {
  return tensor("float32", [rows, columns], syntheticValues(name, { mean: 0, halfRange }, 0, rows * columns));
}

/** Whole numbers in 0 … limit − 1. [count] */
export function randomIndices(name: string, count: number, limit: number): Int32Array {
  const values = syntheticValues(name, { mean: 0.5, halfRange: 0.5 }, 0, count);
  return Int32Array.from(values, (value) => Math.min(limit - 1, Math.floor(value * limit)));
}

/** A random forest: each row's parent is −1 or an earlier row, with no row deeper than `depth`. [rows] */
export function randomParents(name: string, rows: number, depth: number): Int32Array {
  const picks = syntheticValues(name, { mean: 0.5, halfRange: 0.5 }, 0, rows);
  const depths: number[] = [];
  const parents = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    // Mostly the row just before, so that chains grow long; now and then any earlier row, or a new root.
    const pick = picks[row]!;
    let parent = pick < 0.1 ? -1 : pick < 0.7 ? row - 1 : Math.floor(((pick - 0.7) / 0.3) * row);
    if (row === 0 || (parent >= 0 && depths[parent]! >= depth)) parent = -1;
    parents[row] = parent;
    depths.push(parent < 0 ? 1 : depths[parent]! + 1);
  }
  return parents;
}

/** Segments of random lengths up to `longest`, in order. [rows] */
export function randomSegments(name: string, rows: number, longest: number): Int32Array {
  const lengths = randomIndices(name, rows, longest);
  const segments = new Int32Array(rows);
  for (let row = 0, segment = 0, left = lengths[0]!; row < rows; row++, left--) {
    if (left < 0) left = lengths[++segment]!;
    segments[row] = segment;
  }
  return segments;
}

/** Weights by name, made up on the spot: uniform within ± 1/√columns, vectors around `mean`. */
export function randomWeights(shapes: Readonly<Record<string, readonly number[]>>): WeightSource {
  return {
    read: (name, rows) => {
      const shape = shapes[name]!;
      const columns = shape[1] ?? 1;
      const halfRange = shape.length === 2 ? Math.sqrt(3 / columns) : 0.3;
      const mean = name.startsWith("scale") ? 1 : 0;
      const { begin, end } = rows ?? { begin: 0, end: shape[0]! };
      const values = syntheticValues(name, { mean, halfRange }, begin * columns, end * columns);
      return Promise.resolve(tensor("float32", [end - begin, ...shape.slice(1)], values));
    },
  };
}
