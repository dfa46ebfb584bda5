/**
 * The worker's side: encoders for whoever connects. See `messages.ts` for what is said.
 *
 * Not here: starting workers (`host.ts`), and calling them (`worker-text-encoder.ts`).
 */
import { registerBackend } from "@textower/graph";
import type { Backend } from "@textower/graph";
import { chooseBackend } from "../backend-choice.js";
import { createTextEncoder } from "../create.js";
import type { TextEncoderOptions } from "../create.js";
import type { ClipTextEncoder, EncodeResult } from "../encoder.js";
import { errorToPlain } from "./error-transfer.js";
import { WorkerLostError } from "./errors.js";
import { live } from "./life.js";
import { PROTOCOL } from "./messages.js";
import type {
  Call,
  Connect,
  FromWorker,
  PlainEncodeResult,
  Progress,
  Results,
  ToWorker,
} from "./messages.js";
import { withTurns } from "./turns.js";

/** Where connections come in: `self` in a browser's worker, `parentPort` in Node's, or any MessagePort. */
export interface ServedPort {
  addEventListener(type: "message", listener: (event: MessageEvent<unknown>) => void): void;
  start?(): void;
}

/** Options of `serveTextEncoder`. */
export interface ServeOptions {
  /** Registered in the worker, so that callers can name them. Default: none, which makes "auto" WebAssembly. */
  readonly backends?: readonly Backend[];
}

/**
 * Makes a worker one that `createWorkerTextEncoder` can be given. Messages of other kinds are left alone.
 * @throws RegistryError for two backends of one name
 * @example
 * // encoder-worker.js, a module worker
 * serveTextEncoder(self, { backends: [webgpu(), wasm()] });
 */
export function serveTextEncoder(port: ServedPort, { backends = [] }: ServeOptions = {}): void {
  for (const each of backends) registerBackend(each);
  port.addEventListener("message", ({ data }) => {
    if (isConnect(data)) void accept(data);
  });
  port.start?.();
}

function isConnect(data: unknown): data is Connect {
  return (
    typeof data === "object" &&
    data !== null &&
    "protocol" in data &&
    typeof data.protocol === "string" &&
    data.protocol.startsWith("textower/worker ")
  );
}

async function accept({ protocol, port, life }: Connect): Promise<void> {
  if (protocol === PROTOCOL) {
    const release = await live(life).catch(() => () => undefined); // a browser may refuse locks
    new Service(port, release).listen();
    return;
  }
  const message = `serveTextEncoder: expected a caller of "${PROTOCOL}", got one of "${protocol}"`;
  port.postMessage({ id: 0, error: errorToPlain(new WorkerLostError(message)) } satisfies FromWorker);
}

interface Answer<Name extends Call["call"]> {
  readonly result: Results[Name];
  readonly transfer?: Transferable[];
}

/** One encoder, from its `open` to its `dispose`. */
class Service {
  readonly #port: MessagePort;
  readonly #release: () => void;
  readonly #calls = new Map<number, AbortController>();
  #encoder: Promise<ClipTextEncoder> | undefined;

  /** @param release - called when the port is closed */
  constructor(port: MessagePort, release: () => void) {
    this.#port = port;
    this.#release = release;
  }

  listen(): void {
    this.#port.onmessage = ({ data }: MessageEvent<ToWorker>) => {
      if ("abort" in data) this.#calls.get(data.abort)?.abort();
      else void this.#answer(data);
    };
    // Not every host has this event. Where there is none, the encoder lives as long as its worker.
    this.#port.addEventListener("close", () => void this.#dispose().catch(() => undefined));
  }

  async #answer(request: Call & { readonly id: number }): Promise<void> {
    const { id } = request;
    const controller = new AbortController();
    this.#calls.set(id, controller);
    try {
      const { result, transfer = [] } = await this.#perform(request, controller.signal);
      const prefixCache = (await this.#encoder)?.prefixCache;
      this.#port.postMessage({ id, result, prefixCache } satisfies FromWorker, transfer);
    } catch (error) {
      this.#port.postMessage({ id, error: errorToPlain(error) } satisfies FromWorker);
    } finally {
      this.#calls.delete(id);
      if (request.call === "dispose") {
        this.#port.close();
        this.#release();
      }
    }
  }

  async #perform(
    request: Call & { readonly id: number },
    signal: AbortSignal,
  ): Promise<Answer<Call["call"]>> {
    const tell = (progress: Progress): void =>
      this.#port.postMessage({ id: request.id, progress } satisfies FromWorker);
    switch (request.call) {
      case "open": {
        this.#encoder = open(request.options as unknown as TextEncoderOptions, signal, tell);
        const { info, logitScale } = await this.#encoder;
        return { result: { info, logitScale } };
      }
      case "encode": {
        const { prompts, options, progress } = request;
        const encoder = (await this.#encoder)!;
        const listening = progress ? { onProgress: tell } : {};
        return toPlain(await encoder.encode(prompts, { ...options, ...listening, signal }));
      }
      case "warmup":
        await (await this.#encoder)!.warmup();
        return { result: undefined };
      case "clearPrefixCache":
        (await this.#encoder)!.clearPrefixCache();
        return { result: undefined };
      case "dispose":
        await this.#dispose();
        return { result: undefined };
      default:
        throw new TypeError(`serveTextEncoder: expected a call, got ${String(request satisfies never)}`);
    }
  }

  /** Also in the middle of `open`. */
  async #dispose(): Promise<void> {
    this.#calls.get(0)?.abort();
    const encoder = await this.#encoder?.catch(() => undefined);
    await encoder?.dispose();
  }
}

async function open(
  options: TextEncoderOptions,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<ClipTextEncoder> {
  const backend = withTurns(await chooseBackend(options.backend ?? "auto"));
  return createTextEncoder({ ...options, backend, signal, onProgress });
}

/** Arrays whose memory can be handed over. All of them are the result's own. */
function toPlain({ data, prompts, rows }: EncodeResult): Answer<"encode"> {
  const tokens = Int32Array.from(prompts, (prompt) => prompt.tokens);
  const cut = Int32Array.from(prompts, (prompt) => prompt.cut);
  const windows = Int32Array.from(prompts, (prompt) => prompt.windows);
  const states = prompts.map(({ hidden }) => hidden);
  const hidden = states.some((each) => Object.keys(each).length > 0) ? states : [];
  const arrays = [data, tokens, cut, windows, ...hidden.flatMap((each) => Object.values(each))];
  return {
    result: { data: data as PlainEncodeResult["data"], tokens, cut, windows, hidden, rows },
    transfer: arrays.map(({ buffer }) => buffer as ArrayBuffer),
  };
}
