/** @textower/bulk/queue: shards made by workers on any machines, over BullMQ on Redis. Importing does nothing. */
export { embedOnWorkers } from "./embed.js";
export type { EmbedOnWorkersOptions } from "./embed.js";
export { startShardWorker } from "./worker.js";
export type { ShardReport, ShardWorker, WorkerOptions } from "./worker.js";
export type { QueueOptions } from "./connection.js";
