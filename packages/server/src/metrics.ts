/** What a server counts, for Prometheus. One registry a server; nothing is registered globally. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { BatchReport, QueueDepth } from "./batching.js";

/** Seconds: from a cached answer of a tiny model to a full queue of a large one. */
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const SIZE_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** See the file's head. */
export class ServerMetrics {
  readonly registry = new Registry();
  readonly #requests: Counter<"route" | "status">;
  readonly #latency: Histogram<"route">;
  readonly #prompts: Counter;
  readonly #tokens: Counter;
  readonly #rows: Counter;
  readonly #saved: Counter;
  readonly #batchPrompts: Histogram;
  readonly #batchCalls: Histogram;
  readonly #batchSeconds: Histogram;

  /**
   * @param depth - asked whenever somebody asks for the metrics
   * @param ofProcess - whether memory, processor time and event loop delay of the process are among them
   */
  constructor(depth: () => QueueDepth, ofProcess: boolean) {
    const registers = [this.registry];
    const counter = (name: string, help: string): Counter => new Counter({ name, help, registers });
    const histogram = (name: string, help: string, buckets: number[]): Histogram =>
      new Histogram({ name, help, buckets, registers });
    this.#requests = new Counter({
      name: "textower_requests_total",
      help: "Requests by route and status; 499: the client went away first",
      labelNames: ["route", "status"],
      registers,
    });
    this.#latency = new Histogram({
      name: "textower_request_duration_seconds",
      help: "From a request's headers to the end of its answer",
      labelNames: ["route"],
      buckets: LATENCY_BUCKETS,
      registers,
    });
    this.#prompts = counter("textower_prompts_total", "Prompts that were encoded");
    this.#tokens = counter("textower_tokens_total", "Tokens of prompts that were encoded");
    this.#rows = counter("textower_rows_total", "Rows that were computed");
    this.#saved = counter(
      "textower_rows_saved_total",
      "Rows that were not computed, since prompts of a batch begin alike",
    );
    this.#batchPrompts = histogram("textower_batch_prompts", "Prompts of a batch", SIZE_BUCKETS);
    this.#batchCalls = histogram("textower_batch_requests", "Requests of a batch", SIZE_BUCKETS);
    this.#batchSeconds = histogram(
      "textower_batch_duration_seconds",
      "From handing a batch to the encoder to its vectors",
      LATENCY_BUCKETS,
    );
    const gauge = (name: string, help: string, value: (depth: QueueDepth) => number): Gauge =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value(depth()));
        },
      });
    gauge("textower_queue_requests", "Requests of which something waits", ({ calls }) => calls);
    gauge("textower_queue_prompts", "Prompts that wait", ({ prompts }) => prompts);
    gauge("textower_queue_tokens", "Tokens that wait", ({ tokens }) => tokens);
    gauge("textower_batches", "Batches that the encoder has", ({ batches }) => batches);
    if (ofProcess) collectDefaultMetrics({ register: this.registry });
  }

  request(route: string, status: number, seconds: number): void {
    this.#requests.inc({ route, status: String(status) });
    this.#latency.observe({ route }, seconds);
  }

  /** A request of which not even the headers could be read. */
  unreadable(status: number): void {
    this.#requests.inc({ route: "none", status: String(status) });
  }

  batch({ calls, prompts, tokens, rows, seconds }: BatchReport): void {
    this.#prompts.inc(prompts);
    this.#tokens.inc(tokens);
    this.#rows.inc(rows);
    this.#saved.inc(Math.max(tokens - rows, 0)); // encoders that pad compute more
    this.#batchPrompts.observe(prompts);
    this.#batchCalls.observe(calls);
    this.#batchSeconds.observe(seconds);
  }
}
