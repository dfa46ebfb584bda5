/**
 * Prompts as packed rows: the inputs of the graph. A row is one token of one prompt; in a causal tower a row depends
 * only on the tokens before it, so prompts that begin alike share the rows of their common prefix.
 *
 * Not here: cutting many prompts into runs of bounded size (`planRuns`), and embeddings: rows carry token ids.
 */

/** Rows of one run. `parents` for causal towers, `segments` for towers with full attention. */
export interface PackedRows {
  /** Token id of each row. [rows] */
  readonly ids: Int32Array;
  /** Place of each row in its prompt, from 0. [rows] */
  readonly positions: Int32Array;
  /** The row before each in its prompt, −1 at the start; always smaller than the row itself. [rows] */
  readonly parents?: Int32Array;
  /** The prompt each row belongs to. [rows] */
  readonly segments?: Int32Array;
  /** The row that stands for each prompt, its end of text. [prompts] */
  readonly pooled: Int32Array;
}

/** One prompt's tokens. */
export interface TokenSequence {
  /** Start of text, …, end of text; no padding. [tokens] */
  readonly ids: ArrayLike<number>;
  /** Position of the end of text whose row is pooled. Default: the last token. */
  readonly endOfText?: number;
}

/** Options of `packRows`. */
export interface PackOptions {
  /** Whether equal prefixes share rows. Default true. Without it every token has a row of its own. */
  readonly sharePrefixes?: boolean;
}

/**
 * Packs prompts for a causal tower. Rows stand in the order of first appearance, so a parent precedes its children.
 * Tokens after the end of text are left out: nothing that is pooled can see them.
 * @throws RangeError for no prompts, an empty one, or an end of text outside its prompt
 * @example packRows([{ ids: [1, 5, 2] }, { ids: [1, 6, 2] }]) // 5 rows: 1 is shared; parents −1 0 1 0 3; pooled 2 4
 */
export function packRows(sequences: readonly TokenSequence[], options: PackOptions = {}): PackedRows {
  const share = options.sharePrefixes ?? true;
  const ends = sequences.map(endOf);
  if (sequences.length === 0) throw new RangeError("packRows: expected at least one prompt, got none");

  const ids: number[] = [];
  const positions: number[] = [];
  const parents: number[] = [];
  const children = new Map<string, number>(); // "parent,token" → row: the trie's edges
  const pooled = sequences.map((sequence, prompt) => {
    let parent = -1;
    for (let position = 0; position <= ends[prompt]!; position++) {
      const token = sequence.ids[position]!;
      const edge = `${parent},${token}`;
      let row = share ? children.get(edge) : undefined;
      if (row === undefined) {
        row = ids.length;
        ids.push(token);
        positions.push(position);
        parents.push(parent);
        if (share) children.set(edge, row);
      }
      parent = row;
    }
    return parent;
  });
  return {
    ids: Int32Array.from(ids),
    positions: Int32Array.from(positions),
    parents: Int32Array.from(parents),
    pooled: Int32Array.from(pooled),
  };
}

/**
 * Packs prompts for a tower with full attention: each is padded to the whole context, since padding is part of what
 * such a tower computes, and nothing is shared.
 * @throws RangeError as `packRows`, and for a prompt longer than `contextLength`
 */
export function packSegments(
  sequences: readonly TokenSequence[],
  { contextLength, padId }: { readonly contextLength: number; readonly padId: number },
): PackedRows {
  if (sequences.length === 0) throw new RangeError("packSegments: expected at least one prompt, got none");
  const rows = sequences.length * contextLength;
  const ids = new Int32Array(rows).fill(padId);
  const positions = Int32Array.from({ length: rows }, (_, row) => row % contextLength);
  const segments = Int32Array.from({ length: rows }, (_, row) => Math.floor(row / contextLength));
  const pooled = sequences.map((sequence, prompt) => {
    if (sequence.ids.length > contextLength) {
      throw new RangeError(
        `packSegments: expected at most ${contextLength} tokens, got ${sequence.ids.length}`,
      );
    }
    ids.set(Array.from(sequence.ids), prompt * contextLength);
    return prompt * contextLength + endOf(sequence, prompt);
  });
  return { ids, positions, segments, pooled: Int32Array.from(pooled) };
}

/**
 * The rows of one prompt, from its start of text to its pooled row.
 * @param packed - made by `packRows`; for segments the rows are simply those up to the pooled one
 */
export function promptRows(packed: PackedRows, prompt: number): Int32Array {
  const last = packed.pooled[prompt];
  if (last === undefined) {
    throw new RangeError(`promptRows: expected a prompt in 0…${packed.pooled.length - 1}, got ${prompt}`);
  }
  const rows = new Int32Array(packed.positions[last]! + 1);
  for (let row = last, i = rows.length - 1; i >= 0; i--) {
    rows[i] = row;
    row = packed.parents === undefined ? row - 1 : packed.parents[row]!;
  }
  return rows;
}

function endOf({ ids, endOfText }: TokenSequence, prompt: number): number {
  const end = endOfText ?? ids.length - 1;
  if (!Number.isInteger(end) || end < 0 || end >= ids.length) {
    throw new RangeError(
      `packRows: expected an end of text within the ${ids.length} tokens of prompt ${prompt}, got ${end}`,
    );
  }
  return end;
}
