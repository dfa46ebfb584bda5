/** Which columns of a Parquet file hold vectors, ids and metadata. */
import type { SchemaTree } from "hyparquet";
import { VectorFileError } from "../errors.js";
import { leafOf } from "./pages.js";
import type { Leaf } from "./pages.js";

/** A leaf column, and its place among a row group's columns. */
export interface Column extends Leaf {
  readonly name: string;
  readonly place: number;
}

/** Names of columns; see `OpenVectorFileOptions`. */
export interface ColumnOptions {
  readonly vectors?: string | undefined;
  readonly ids?: string | undefined;
  readonly columns?: readonly string[] | undefined;
}

/** The columns that are read. */
export interface Columns {
  readonly vectors: Column;
  readonly ids: Column | undefined;
  /** Flat columns; lists and structs are left out. */
  readonly metadata: readonly Column[];
}

/** @throws VectorFileError `no-vectors`, `ambiguous`, `unsupported` */
export function chooseColumns(name: string, root: SchemaTree, options: ColumnOptions): Columns {
  const lists = singleLeaves(root).filter((column) => column.maxRepetition === 1 && isFloat(column));
  const flat = flatColumns(root);
  const vectors = chosen(name, lists, options.vectors, root);
  const ids = flat.find((column) => column.name === (options.ids ?? "id"));
  if (ids === undefined && options.ids !== undefined) {
    const names = flat.map((column) => column.name).join(", ");
    throw new VectorFileError(
      "no-vectors",
      `${name}: expected a column ${options.ids} for ids, got ${names || "none"}`,
    );
  }
  const { columns } = options;
  const metadata = flat.filter((column) => column !== ids && (columns?.includes(column.name) ?? true));
  return { vectors, ids, metadata };
}

/** Columns that have one value a row. */
export function flatColumns(root: SchemaTree): Column[] {
  return singleLeaves(root).filter(
    ({ path }) => path.length === 2 && path[1]!.element.repetition_type !== "REPEATED",
  );
}

/** Top columns with one leaf under each. */
function singleLeaves(root: SchemaTree): Column[] {
  const columns: Column[] = [];
  let place = 0;
  for (const child of root.children) {
    const leaves = leavesOf(child, [root]);
    if (leaves.length === 1) columns.push({ ...leafOf(leaves[0]!), name: child.element.name, place });
    place += leaves.length;
  }
  return columns;
}

function chosen(
  name: string,
  lists: readonly Column[],
  wanted: string | undefined,
  root: SchemaTree,
): Column {
  const found = wanted === undefined ? lists : lists.filter((column) => column.name === wanted);
  if (found.length === 1) return found[0]!;
  const names = (
    found.length > 0 ? found.map((column) => column.name) : root.children.map(({ element }) => element.name)
  )
    .slice(0, 8)
    .join(", ");
  if (found.length > 0) {
    throw new VectorFileError(
      "ambiguous",
      `${name}: expected one column of lists of floats, or its name, got ${names}`,
    );
  }
  const what =
    wanted === undefined ? "a column of lists of floats" : `a column ${wanted} with lists of floats`;
  throw new VectorFileError("no-vectors", `${name}: expected ${what}, got ${names || "none"}`);
}

function isFloat({ path }: Leaf): boolean {
  const { type, logical_type: logical } = path.at(-1)!.element;
  return type === "FLOAT" || type === "DOUBLE" || logical?.type === "FLOAT16";
}

/** Paths from the root to what lies under a node. */
function leavesOf(node: SchemaTree, above: readonly SchemaTree[]): SchemaTree[][] {
  const path = [...above, node];
  if (node.children.length === 0) return [path];
  return node.children.flatMap((child) => leavesOf(child, path));
}
