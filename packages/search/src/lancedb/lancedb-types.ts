/** What is used of the package `@lancedb/lancedb`, so that it is the user's own that is handed in. */

/** A result's row. */
export interface LanceRow {
  readonly id: string;
  readonly metadata: string;
  readonly vector?: { toArray(): Float32Array };
  readonly _distance?: number;
  /** Only if there are several query vectors. */
  readonly query_index?: number;
}

/** `VectorQuery`. */
export interface LanceVectorQuery {
  addQueryVector(vector: Float32Array): LanceVectorQuery;
  distanceType(type: "cosine"): LanceVectorQuery;
  bypassVectorIndex(): LanceVectorQuery;
  limit(limit: number): LanceVectorQuery;
  where(predicate: string): LanceVectorQuery;
  select(columns: string[]): LanceVectorQuery;
  toArray(): Promise<readonly unknown[]>;
}

/** `Query`. */
export interface LanceQuery extends AsyncIterable<{ toArray(): readonly unknown[] }> {
  select(columns: string[]): LanceQuery;
  nearestTo(vector: Float32Array): LanceVectorQuery;
}

/** `MergeInsertBuilder`. */
export interface LanceMerge {
  whenMatchedUpdateAll(): LanceMerge;
  whenNotMatchedInsertAll(): LanceMerge;
  execute(data: never): Promise<unknown>;
}

/** `Table`. */
export interface LanceTable {
  schema(): Promise<{
    readonly metadata: ReadonlyMap<string, string>;
    readonly fields: readonly { readonly name: string; readonly type: { toString(): string } }[];
  }>;
  countRows(): Promise<number>;
  listIndices(): Promise<readonly unknown[]>;
  mergeInsert(on: string): LanceMerge;
  delete(predicate: string): Promise<{ readonly numDeletedRows: number }>;
  query(): LanceQuery;
  close(): void;
}

/** `Connection`. */
export interface LanceConnection {
  createEmptyTable(name: string, schema: never): Promise<LanceTable>;
  openTable(name: string): Promise<LanceTable>;
  close(): void;
}

/** The package. */
export interface Lancedb {
  connect(path: string): Promise<LanceConnection>;
  makeArrowTable(rows: Record<string, unknown>[], options: { readonly schema: never }): object;
}
