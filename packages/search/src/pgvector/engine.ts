/**
 * `pgvectorEngine`: search in Postgres with the extension pgvector, over a client that is handed in. One table an index, with
 * columns that are as useful to other programs: `id text`, `embedding vector(dimension)`, `metadata jsonb`. Which checkpoint
 * a table is of stands in the table `textower_indexes`.
 *
 * Without an index of pgvector's on the table a search is exact. Not here: connections, pools, transactions, migrations.
 */
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
import { filterSql, identifier, Parameters } from "./sql.js";

/** What is needed of a client: `Pool` and `Client` of pg have it, and so has PGlite. It stays the user's. */
export interface PostgresClient {
  query(text: string, parameters?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

/** Options of `pgvectorEngine`. */
export interface PgvectorEngineOptions {
  readonly client: PostgresClient;
  /** Name of the table, any text of at most 58 bytes; made if it is missing. */
  readonly table: string;
  /** Schema of the table. Default: the first of the client's search path. */
  readonly schema?: string;
  /**
   * Makes an HNSW index if the table has none: a search is faster then, and approximate. `m` and `efConstruction` are
   * pgvector's (16 and 64 there). Default false.
   */
  readonly hnsw?: boolean | { readonly m?: number; readonly efConstruction?: number };
}

/** Entries of one statement. */
const ROWS_PER_STATEMENT = 500;

/** Queries of one statement. */
const QUERIES_PER_STATEMENT = 64;

/** Columns as `format_type` names their types. */
const columnsOf = (dimension: number): string => `embedding vector(${dimension}), id text, metadata jsonb`;

/**
 * An engine on pgvector. The extension has to be there: `CREATE EXTENSION vector`.
 * @throws TypeError for names that Postgres could not keep; RangeError for bounds of `hnsw` that are no whole numbers
 * @example const engine = pgvectorEngine({ client: new pg.Pool(), table: "images", hnsw: true });
 */
export function pgvectorEngine(options: PgvectorEngineOptions): SearchEngine {
  const { table, schema, hnsw } = options;
  const names = {
    table: qualified(schema, table),
    about: qualified(schema, "textower_indexes"),
    hnsw: identifier(`${table}_hnsw`),
  };
  const bounds = typeof hnsw === "object" ? hnsw : {};
  for (const [name, value] of Object.entries(bounds)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`pgvectorEngine: expected ${name} of 1 or more, got ${value}`);
    }
  }
  return {
    name: "pgvector",
    open: async (layout) => {
      await prepareTable(options, names, layout);
      return new PgvectorStore(options.client, names.table, await isApproximate(options.client, names.table));
    },
  };
}

/** Quoted names. */
interface Names {
  readonly table: string;
  readonly about: string;
  readonly hnsw: string;
}

function qualified(schema: string | undefined, name: string): string {
  return schema === undefined ? identifier(name) : `${identifier(schema)}.${identifier(name)}`;
}

async function prepareTable(
  { client, table, hnsw = false }: PgvectorEngineOptions,
  names: Names,
  { dimension, checkpoint }: IndexLayout,
): Promise<void> {
  const [extension] = await rowsOf<{ there: boolean }>(
    client,
    "SELECT to_regtype('vector') IS NOT NULL AS there",
  );
  if (extension?.there !== true) {
    throw new SearchError(
      "unsupported",
      "pgvectorEngine: expected a database with the type vector (CREATE EXTENSION vector), got one without",
    );
  }
  await client.query(
    `CREATE TABLE IF NOT EXISTS ${names.table} (id text PRIMARY KEY, ` +
      `embedding vector(${dimension}) NOT NULL, metadata jsonb NOT NULL DEFAULT '{}')`,
  );
  await checkColumns(client, names.table, dimension);
  await client.query(
    `CREATE TABLE IF NOT EXISTS ${names.about} (name text PRIMARY KEY, dimension integer NOT NULL, checkpoint text NOT NULL)`,
  );
  await client.query(
    `INSERT INTO ${names.about} (name, dimension, checkpoint) ` +
      "VALUES ($1::text, $2::text::integer, $3::text) ON CONFLICT (name) DO NOTHING",
    [table, String(dimension), checkpoint],
  );
  const [about] = await rowsOf<{ dimension: number; checkpoint: string }>(
    client,
    `SELECT dimension, checkpoint FROM ${names.about} WHERE name = $1::text`,
    [table],
  );
  checkLayout("pgvectorEngine", { dimension, checkpoint }, about!);
  if (hnsw === false) return;
  const { m = 16, efConstruction = 64 } = hnsw === true ? {} : hnsw;
  await client.query(
    `CREATE INDEX IF NOT EXISTS ${names.hnsw} ON ${names.table} ` +
      `USING hnsw (embedding vector_cosine_ops) WITH (m = ${m}, ef_construction = ${efConstruction})`,
  );
}

/** A table that was there before may be somebody's own. */
async function checkColumns(client: PostgresClient, table: string, dimension: number): Promise<void> {
  const [found] = await rowsOf<{ columns: string | null }>(
    client,
    "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attname COLLATE \"C\") AS columns " +
      "FROM pg_attribute WHERE attrelid = to_regclass($1::text) AND attname IN ('id', 'embedding', 'metadata')",
    [table],
  );
  const columns = found?.columns ?? "none of them";
  if (columns === columnsOf(dimension)) return;
  const width = /embedding vector\((\d+)\)/.exec(columns)?.[1];
  throw new SearchError(
    width !== undefined && width !== String(dimension) ? "width" : "unsupported",
    `pgvectorEngine: expected ${table} with columns ${columnsOf(dimension)}, got ${columns}`,
  );
}

/** Whether the table has an index that may miss something, whoever made it. */
async function isApproximate(client: PostgresClient, table: string): Promise<boolean> {
  const [found] = await rowsOf<{ there: boolean }>(
    client,
    "SELECT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam " +
      "WHERE i.indrelid = to_regclass($1::text) AND a.amname IN ('hnsw', 'ivfflat')) AS there",
    [table],
  );
  return found!.there;
}

class PgvectorStore implements EngineStore {
  readonly #client: PostgresClient;
  /** Quoted. */
  readonly #table: string;
  readonly #approximate: boolean;

  constructor(client: PostgresClient, table: string, approximate: boolean) {
    this.#client = client;
    this.#table = table;
    this.#approximate = approximate;
  }

  async add({ ids, vectors, metadata }: EntryBatch): Promise<void> {
    const dimension = vectors.length / ids.length;
    for (let first = 0; first < ids.length; first += ROWS_PER_STATEMENT) {
      const rows = ids.slice(first, first + ROWS_PER_STATEMENT).map((id, i) => ({
        id,
        vector: vectorText(vectors, first + i, dimension),
        metadata: metadata[first + i],
      }));
      await this.#client.query(
        `INSERT INTO ${this.#table} (id, embedding, metadata) ` +
          "SELECT e ->> 'id', (e ->> 'vector')::vector, e -> 'metadata' FROM jsonb_array_elements($1::text::jsonb) e " +
          "ON CONFLICT (id) DO UPDATE SET embedding = excluded.embedding, metadata = excluded.metadata",
        [JSON.stringify(rows)],
      );
    }
  }

  async remove(ids: readonly string[]): Promise<number> {
    const removed = await rowsOf(
      this.#client,
      `DELETE FROM ${this.#table} WHERE id IN (SELECT jsonb_array_elements_text($1::text::jsonb)) RETURNING 1`,
      [JSON.stringify(ids)],
    );
    return removed.length;
  }

  async search(queries: QueryBatch): Promise<Hit[][]> {
    const { count, topK } = queries;
    const all = Array.from({ length: count }, (_, query) => query);
    const hits = await this.#nearest(queries, all, false);
    // An index looks at so many neighbours only (hnsw.ef_search); a filter, or many hits, may leave too few.
    const short = all.filter((query) => hits[query]!.length < topK);
    if (this.#approximate && short.length > 0) {
      const again = await this.#nearest(queries, short, true);
      short.forEach((query, i) => (hits[query] = again[i]!));
    }
    return hits;
  }

  async count(): Promise<number> {
    const [found] = await rowsOf<{ n: number }>(
      this.#client,
      `SELECT count(*)::float8 AS n FROM ${this.#table}`,
    );
    return found!.n;
  }

  async *entries(): AsyncGenerator<EntryBatch> {
    for (let last = ""; ;) {
      const rows = await rowsOf<{ id: string; vector: string; metadata: string }>(
        this.#client,
        `SELECT id, embedding::text AS vector, coalesce(metadata, '{}')::text AS metadata ` +
          `FROM ${this.#table} WHERE embedding IS NOT NULL AND id > $1::text ORDER BY id LIMIT ${ROWS_PER_STATEMENT}`,
        [last],
      );
      if (rows.length === 0) return;
      last = rows.at(-1)!.id;
      yield {
        ids: rows.map(({ id }) => id),
        vectors: Float32Array.from(rows.flatMap(({ vector }) => JSON.parse(vector) as number[])),
        metadata: rows.map(({ metadata }) => JSON.parse(metadata) as Metadata),
      };
    }
  }

  close(): Promise<void> {
    return Promise.resolve(); // the client is the user's
  }

  /** @param exact - whether to go past any index @returns [which][topK or fewer] */
  async #nearest(queries: QueryBatch, which: readonly number[], exact: boolean): Promise<Hit[][]> {
    const { count, vectors, topK, filter } = queries;
    const dimension = vectors.length / count;
    const hits: Hit[][] = which.map(() => []);
    for (let first = 0; first < which.length; first += QUERIES_PER_STATEMENT) {
      const some = which.slice(first, first + QUERIES_PER_STATEMENT);
      const parameters = new Parameters();
      const texts = parameters.add(
        JSON.stringify(some.map((query) => vectorText(vectors, query, dimension))),
      );
      const distance = "embedding <=> q.vector::vector";
      const rows = await rowsOf<{ query: number; id: string; metadata: string; distance: number }>(
        this.#client,
        "SELECT q.query::integer AS query, h.id, coalesce(h.metadata, '{}')::text AS metadata, h.distance " +
          `FROM jsonb_array_elements_text(${texts}::jsonb) WITH ORDINALITY q(vector, query) CROSS JOIN LATERAL (` +
          `SELECT id, metadata, (${distance})::float8 AS distance FROM ${this.#table} ` +
          `WHERE ${filterSql(filter, parameters)} ` +
          // A sum is nothing that an index is sorted by.
          `ORDER BY ${exact ? `(${distance}) + 0` : distance} LIMIT ${parameters.add(String(topK))}::bigint) h ` +
          "ORDER BY q.query, h.distance",
        parameters.values,
      );
      for (const { query, id, metadata, distance } of rows) {
        // Somebody else may have put zeros or nothing there; these come last.
        if (!Number.isFinite(distance)) continue;
        hits[first + query - 1]!.push({
          id,
          similarity: 1 - distance,
          metadata: JSON.parse(metadata) as Metadata,
        });
      }
    }
    return hits;
  }
}

async function rowsOf<Row>(client: PostgresClient, text: string, parameters: unknown[] = []): Promise<Row[]> {
  return (await client.query(text, parameters)).rows as Row[];
}

/** A row of a matrix as pgvector reads it. */
function vectorText(vectors: Float32Array, row: number, dimension: number): string {
  return `[${vectors.subarray(row * dimension, (row + 1) * dimension).join(",")}]`;
}
