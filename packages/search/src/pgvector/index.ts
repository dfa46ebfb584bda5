/** @textower/search/pgvector: the engine on Postgres with pgvector, over the user's client. Importing does nothing. */
export { pgvectorEngine } from "./engine.js";
export type { PgvectorEngineOptions, PostgresClient } from "./engine.js";
