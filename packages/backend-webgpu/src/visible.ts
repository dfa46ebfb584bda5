/**
 * `visibleRows`: which rows each query row sees, as ranges of one list. Made on the host for each run, so that kernels
 * follow no chain of parents.
 */

/** See the file's head. */
export interface VisibleRows {
  /** Key rows. */
  readonly list: Uint32Array;
  /** Beginning in the list and length, for each query row. [queries, 2] */
  readonly ranges: Uint32Array;
}

/**
 * @param kind - what `structure` holds: see `Visibility` in graph
 * @param queryRows - absent: every row is a query
 */
export function visibleRows(
  kind: "ancestors" | "segments",
  structure: Int32Array,
  queryRows: Int32Array | undefined,
): VisibleRows {
  const { list, begins, lengths } = kind === "ancestors" ? paths(structure) : segments(structure);
  const queries = queryRows?.length ?? structure.length;
  const ranges = new Uint32Array(2 * queries);
  for (let i = 0; i < queries; i++) {
    const row = queryRows?.[i] ?? i;
    ranges[2 * i] = begins[row]!;
    ranges[2 * i + 1] = lengths[row]!;
  }
  return { list, ranges };
}

interface Lists {
  readonly list: Uint32Array;
  readonly begins: Uint32Array;
  readonly lengths: Uint32Array;
}

/** The path from the start to each leaf, once: every row on it sees a beginning of it. */
function paths(parents: Int32Array): Lists {
  const rows = parents.length;
  const lengths = new Uint32Array(rows);
  const isParent = new Uint8Array(rows);
  for (let row = 0; row < rows; row++) {
    const parent = parents[row]!;
    lengths[row] = parent < 0 ? 1 : lengths[parent]! + 1;
    if (parent >= 0) isParent[parent] = 1;
  }
  let entries = 0;
  for (let row = 0; row < rows; row++) if (isParent[row] === 0) entries += lengths[row]!;
  const list = new Uint32Array(entries);
  const begins = new Uint32Array(rows);
  let begin = 0;
  for (let leaf = 0; leaf < rows; leaf++) {
    if (isParent[leaf] === 1) continue;
    for (let row = leaf; row >= 0; row = parents[row]!) {
      list[begin + lengths[row]! - 1] = row;
      begins[row] = begin; // of several leaves, the last one's path: any of them begins with the row's own
    }
    begin += lengths[leaf]!;
  }
  return { list, begins, lengths };
}

function segments(structure: Int32Array): Lists {
  const rows = structure.length;
  const list = Uint32Array.from({ length: rows }, (_, row) => row);
  const begins = new Uint32Array(rows);
  const lengths = new Uint32Array(rows);
  for (let begin = 0; begin < rows;) {
    let end = begin;
    while (end < rows && structure[end] === structure[begin]) end++;
    begins.fill(begin, begin, end);
    lengths.fill(end - begin, begin, end);
    begin = end;
  }
  return { list, begins, lengths };
}
