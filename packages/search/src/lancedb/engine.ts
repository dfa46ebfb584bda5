/**
 * `lancedbEngine`: search in LanceDB, embedded, on disk: a table with columns that other programs can read. Without an index
 * of LanceDB's on the column `vector` a search is exact, and reads all vectors.
 *
 * Not here: such indexes, versions, compaction. LanceDB's own API makes and keeps them, on the same table.
 */
import { RunQueue } from "@textower/graph";
import type {
  EngineStore,
  EntryBatch,
  Hit,
  IndexLayout,
  Metadata,
  QueryBatch,
  SearchEngine,
} from "../engine.js";
import { SearchError } from "../errors.js";
import { checkLayout } from "../layout.js";
import type { LanceConnection, Lancedb, LanceRow, LanceTable } from "./lancedb-types.js";
import { CHECKPOINT_KEY, labelsOf, schemaOf } from "./schema.js";
import { filterSql, literal } from "./sql.js";

/** Options of `lancedbEngine`. */
export interface LancedbEngineOptions {
  /** The package: `import * as lancedb from "@lancedb/lancedb"`. */
  readonly lancedb: Lancedb;
  /** Folder of the database, or what else its `connect` takes; made if it is missing. */
  readonly path: string;
  /** Name of the table: letters, digits, `_`, `-` and `.`. Made if it is missing. Default "embeddings". */
  readonly table?: string;
}

/** Ids of one statement. */
const IDS_PER_STATEMENT = 1000;

/** Queries of one call. */
const QUERIES_PER_CALL = 32;

/**
 * An engine on LanceDB. Everything that was added is on disk when `add` has settled.
 * @example
 * import * as lancedb from "@lancedb/lancedb";
 * const engine = lancedbEngine({ lancedb, path: "images.lance" });
 */
export function lancedbEngine(options: LancedbEngineOptions): SearchEngine {
  return { name: "lancedb", open: (layout) => openStore(layout, options) };
}

async function openStore(
  layout: IndexLayout,
  { lancedb, path, table: name = "embeddings" }: LancedbEngineOptions,
): Promise<LancedbStore> {
  const connection = await lancedb.connect(path);
  try {
    const table = await createOrOpen(connection, name, layout);
    await checkTable(layout, table, name);
    return new LancedbStore(layout, lancedb, connection, table);
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function createOrOpen(
  connection: LanceConnection,
  name: string,
  layout: IndexLayout,
): Promise<LanceTable> {
  try {
    return await connection.createEmptyTable(name, schemaOf(layout) as never);
  } catch (error) {
    // It is there already, or cannot be made at all.
    return connection.openTable(name).catch(() => {
      throw error;
    });
  }
}

async function checkTable(layout: IndexLayout, table: LanceTable, name: string): Promise<void> {
  const { fields, metadata } = await table.schema();
  const type = String(fields.find((field) => field.name === "vector")?.type ?? "");
  const width = /^FixedSizeList\[(\d+)\]<Float32>$/.exec(type)?.[1];
  const checkpoint = metadata.get(CHECKPOINT_KEY);
  if (width === undefined || checkpoint === undefined) {
    throw new SearchError(
      "unsupported",
      `lancedbEngine: expected a table of this engine's, got ${name} of another`,
    );
  }
  checkLayout("lancedbEngine", layout, { dimension: Number(width), checkpoint });
}

class LancedbStore implements EngineStore {
  /** LanceDB lets one writer at a time commit, and others try again; here they wait. */
  readonly #writes = new RunQueue("lancedbEngine");
  readonly #layout: IndexLayout;
  readonly #lancedb: Lancedb;
  readonly #connection: LanceConnection;
  readonly #table: LanceTable;

  constructor(layout: IndexLayout, lancedb: Lancedb, connection: LanceConnection, table: LanceTable) {
    this.#layout = layout;
    this.#lancedb = lancedb;
    this.#connection = connection;
    this.#table = table;
  }

  add({ ids, vectors, metadata }: EntryBatch): Promise<void> {
    return this.#writes.run(async () => {
      const { dimension } = this.#layout;
      const rows = ids.map((id, i) => ({
        id,
        vector: vectors.subarray(i * dimension, (i + 1) * dimension),
        metadata: JSON.stringify(metadata[i]),
        labels: labelsOf(metadata[i]!),
      }));
      const data = this.#lancedb.makeArrowTable(rows, { schema: schemaOf(this.#layout) as never });
      const merge = this.#table.mergeInsert("id").whenMatchedUpdateAll().whenNotMatchedInsertAll();
      await merge.execute(data as never);
    });
  }

  remove(ids: readonly string[]): Promise<number> {
    return this.#writes.run(async () => {
      let removed = 0;
      for (let first = 0; first < ids.length; first += IDS_PER_STATEMENT) {
        const list = ids.slice(first, first + IDS_PER_STATEMENT).map(literal);
        removed += (await this.#table.delete(`id IN (${list.join(", ")})`)).numDeletedRows;
      }
      return removed;
    });
  }

  async search(queries: QueryBatch): Promise<Hit[][]> {
    const { count, topK } = queries;
    const all = Array.from({ length: count }, (_, query) => query);
    const hits = await this.#nearest(queries, all, false);
    // An index looks at some of its partitions only; a filter may leave too few of what is in them.
    const short = all.filter((query) => hits[query]!.length < topK);
    if (short.length > 0 && (await this.#table.listIndices()).length > 0) {
      const again = await this.#nearest(queries, short, true);
      short.forEach((query, i) => (hits[query] = again[i]!));
    }
    return hits;
  }

  count(): Promise<number> {
    return this.#table.countRows();
  }

  async *entries(): AsyncGenerator<EntryBatch> {
    for await (const batch of this.#table.query().select(["id", "vector", "metadata"])) {
      const rows = batch.toArray() as readonly LanceRow[];
      const vectors = new Float32Array(rows.length * this.#layout.dimension); // [rows, dimension]
      rows.forEach(({ vector }, i) => vectors.set(vector!.toArray(), i * this.#layout.dimension));
      yield {
        ids: rows.map(({ id }) => id),
        vectors,
        metadata: rows.map(({ metadata }) => JSON.parse(metadata) as Metadata),
      };
    }
  }

  close(): Promise<void> {
    return this.#writes.dispose(() => {
      this.#table.close();
      this.#connection.close();
    });
  }

  /** @param exact - whether to go past any index @returns [which][topK or fewer] */
  async #nearest(queries: QueryBatch, which: readonly number[], exact: boolean): Promise<Hit[][]> {
    const { vectors, topK, filter } = queries;
    const { dimension } = this.#layout;
    const vectorOf = (query: number): Float32Array =>
      vectors.subarray(query * dimension, (query + 1) * dimension);
    const hits: Hit[][] = which.map(() => []);
    for (let first = 0; first < which.length; first += QUERIES_PER_CALL) {
      const [one, ...more] = which.slice(first, first + QUERIES_PER_CALL).map(vectorOf);
      let query = this.#table.query().nearestTo(one!);
      for (const vector of more) query = query.addQueryVector(vector);
      query = query.distanceType("cosine").limit(topK);
      if (filter.length > 0) query = query.where(filterSql(filter));
      if (exact) query = query.bypassVectorIndex();
      const columns = ["id", "metadata", "_distance", ...(more.length > 0 ? ["query_index"] : [])];
      const rows = (await query.select(columns).toArray()) as readonly LanceRow[];
      for (const { id, metadata, _distance: distance, query_index: place = 0 } of rows) {
        hits[first + place]!.push({
          id,
          similarity: 1 - distance!,
          metadata: JSON.parse(metadata) as Metadata,
        });
      }
    }
    for (const list of hits) list.sort((a, b) => b.similarity - a.similarity);
    return hits;
  }
}
