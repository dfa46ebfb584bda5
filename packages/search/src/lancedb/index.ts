/** @textower/search/lancedb: the engine on LanceDB, which the user brings. Importing does nothing. */
export { lancedbEngine } from "./engine.js";
export type { LancedbEngineOptions } from "./engine.js";
export type {
  LanceConnection,
  Lancedb,
  LanceMerge,
  LanceQuery,
  LanceRow,
  LanceTable,
  LanceVectorQuery,
} from "./lancedb-types.js";
