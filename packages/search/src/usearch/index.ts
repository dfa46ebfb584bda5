/** @textower/search/usearch: the engine on usearch, which the user brings. Importing does nothing. */
export { usearchEngine } from "./engine.js";
export type { UsearchEngineOptions } from "./engine.js";
export type {
  Usearch,
  UsearchConfig,
  UsearchIndex,
  UsearchMatches,
  UsearchQuantization,
} from "./usearch-types.js";
