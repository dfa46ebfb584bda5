/**
 * The graph: a flat list of nodes in evaluation order, over seven compute ops. Plain data, so it can be compared,
 * printed, sent to a worker, or written by hand. `GraphBuilder` makes one with every shape checked; `verify` checks
 * one that came from elsewhere.
 *
 * Not here: a batch axis, broadcasting, control flow, gradients. A row is one position of one prompt; prompts of any
 * lengths lie packed in the same matrix, and only `attention` knows which rows belong together.
 */

/**
 * A size that is fixed, or the name of one that each run chooses, such as "rows". Equal names are equal sizes
 * within a run.
 */
export type Dimension = number | string;

/** Index of a node in `Graph.nodes`. */
export type NodeId = number;

/** What a run hands in. */
export interface InputNode {
  readonly op: "input";
  readonly name: string;
  readonly dtype: "float32" | "int32";
  readonly shape: readonly Dimension[];
  /** Whether a run may hand in no rows at all. Default false: then that is refused. */
  readonly mayBeEmpty?: boolean;
}

/** A range of rows, `begin` ≤ row < `end`. */
export interface RowRange {
  readonly begin: number;
  readonly end: number;
}

/**
 * A parameter, fixed at compile time. `source` is the tensor's name in the `WeightSource`; with `rows`, only that
 * range of its axis 0 (so that query, key and value can each be part of one stored matrix).
 */
export interface WeightNode {
  readonly op: "weight";
  readonly source: string;
  readonly rows?: RowRange;
  readonly shape: readonly number[];
}

/**
 * Rows of a matrix, by index: `y[i] = x[rows[i]]`.
 *
 * x [n, c], rows int32 [m] → [m, c].
 */
export interface GatherNode {
  readonly op: "gather";
  readonly x: NodeId;
  readonly rows: NodeId;
}

/**
 * The rows of one matrix followed by those of another.
 *
 * a [n, c], b [m, c] → [n + m, c]. `rows` is the size of the result's first axis: n + m where both are fixed, otherwise
 * a name of its own, such as that of an input with one entry per row of the result.
 */
export interface ConcatNode {
  readonly op: "concat";
  readonly a: NodeId;
  readonly b: NodeId;
  readonly rows: Dimension;
}

/**
 * `y = a + b`, elementwise.
 *
 * a [n, c], b [n, c] → [n, c].
 */
export interface AddNode {
  readonly op: "add";
  readonly a: NodeId;
  readonly b: NodeId;
}

/**
 * Each row to mean 0 and variance 1, then scaled and shifted:
 * `y = (x − mean(x)) / √(var(x) + epsilon) · weight + bias`, with `var` the biased variance (divided by c).
 *
 * x [n, c], weight [c], bias [c] → [n, c].
 */
export interface LayerNormNode {
  readonly op: "layerNorm";
  readonly x: NodeId;
  readonly weight: NodeId;
  readonly bias: NodeId;
  readonly epsilon: number;
}

/**
 * `y = x · weightᵀ + bias`. The weight is stored as checkpoints do: [out, in], row-major.
 *
 * x [n, in], weight [out, in], bias [out] → [n, out].
 */
export interface LinearNode {
  readonly op: "linear";
  readonly x: NodeId;
  readonly weight: NodeId;
  readonly bias?: NodeId;
}

/**
 * - `quick`: `x · σ(1.702 x)` (OpenAI CLIP, `clip/model.py`, QuickGELU)
 * - `erf`: `x · ½ (1 + erf(x / √2))`, the exact GELU
 * - `tanh`: `x · ½ (1 + tanh(√(2/π) (x + 0.044715 x³)))`
 */
export type GeluForm = "quick" | "erf" | "tanh";

/**
 * The activation of the MLP, in one of three forms that differ measurably: see `GeluForm`.
 *
 * x [n, c] → [n, c].
 */
export interface GeluNode {
  readonly op: "gelu";
  readonly x: NodeId;
  readonly form: GeluForm;
}

/** Columns `begin` ≤ column < `end` of a matrix: how attention finds query, key and value in one fused projection. */
export interface Columns {
  readonly node: NodeId;
  readonly begin: number;
  readonly end: number;
}

/**
 * Which key rows a query row sees.
 *
 * - `ancestors`: `parents` int32 [n]; row `i` sees itself, `parents[i]`, `parents[parents[i]]`, … up to −1.
 *   `parents[i] < i` always. Rows are the nodes of the trie of the prompts' tokens, so a prefix that prompts share
 *   stands there once. This is causal attention, exactly.
 * - `segments`: `segments` int32 [n], non-decreasing; row `i` sees every row of its own segment (no causal mask).
 */
export type Visibility =
  | { readonly kind: "ancestors"; readonly parents: NodeId }
  | { readonly kind: "segments"; readonly segments: NodeId };

/**
 * Multi-head attention over packed rows; the only op that mixes rows. With `c = heads · d`, for every query row `i`
 * standing at key row `r(i)` (`queryRows[i]`, or `i` itself) and every head `h`:
 *
 * `y[i, h] = Σ_j softmax_j( q[i, h] · k[j, h] / √d ) v[j, h]`, `j` over the rows that `r(i)` sees.
 *
 * Rows outside are not masked with a large number: they take no part.
 *
 * query [m, c], key [n, c], value [n, c], queryRows int32 [m] → [m, c].
 */
export interface AttentionNode {
  readonly op: "attention";
  readonly query: Columns;
  readonly key: Columns;
  readonly value: Columns;
  readonly heads: number;
  readonly visibility: Visibility;
  /** Absent: m = n, and query row `i` is key row `i`. */
  readonly queryRows?: NodeId;
  /** No row sees more rows than this (CLIP: 77). Runs that break it are refused; backends size scratch by it. */
  readonly contextLength: number;
}

/** Every op there is. A `switch` over `op` ends in `satisfies never`, so that a new op breaks each backend's build. */
export type Node =
  | InputNode
  | WeightNode
  | GatherNode
  | ConcatNode
  | AddNode
  | LayerNormNode
  | LinearNode
  | GeluNode
  | AttentionNode;

/** A node's result: its dtype and shape. Weights are "float32" here whatever precision a backend stores them in. */
export interface ValueType {
  readonly dtype: "float32" | "int32";
  readonly shape: readonly Dimension[];
}

/** A program: nodes in evaluation order, the type of each, and the ones that a run returns. */
export interface Graph {
  readonly nodes: readonly Node[];
  /** One per node. */
  readonly types: readonly ValueType[];
  /** Name → node. Any float32 node can be an output. */
  readonly outputs: Readonly<Record<string, NodeId>>;
}
