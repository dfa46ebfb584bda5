/** Requests as tests send them: whole ones, and bytes on a socket. */
import { connect } from "node:net";
import type { Socket } from "node:net";

/** The body of an error. */
export interface ErrorAnswer {
  readonly error: { message: string; type: string; param: string | null; code: string | null };
}

/** Posts a value as JSON, or a body as it is. */
export function post(
  url: string,
  body: unknown,
  { headers = {}, ...init }: RequestInit & { headers?: Record<string, string> } = {},
): Promise<Response> {
  return fetch(`${url}/v1/embeddings`, {
    method: "POST",
    body: typeof body === "string" || body instanceof Uint8Array ? (body as BodyInit) : JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
    ...init,
  });
}

/** A request as bytes. */
export function requestText(body: string, headers: Record<string, string> = {}): string {
  const all = {
    Host: "localhost",
    "Content-Type": "application/json",
    "Content-Length": String(Buffer.byteLength(body)),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /v1/embeddings HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

/** A connection that remembers what it has read. */
export class Wire {
  readonly socket: Socket;
  text = "";
  /** Resolves when the other side, or this one, has closed it. */
  readonly closed: Promise<void>;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.socket.setEncoding("latin1");
    this.socket.on("data", (chunk: string) => (this.text += chunk));
    this.socket.on("error", () => undefined); // resets are what some tests are about
    this.closed = new Promise((resolve) => {
      this.socket.once("end", resolve);
      this.socket.once("close", resolve);
    });
  }

  /** Status of the first answer. */
  get status(): number {
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(this.text)?.[1]);
  }

  /** JSON of the first answer. */
  get body(): ErrorAnswer {
    return JSON.parse(this.text.slice(this.text.indexOf("\r\n\r\n") + 4)) as ErrorAnswer;
  }
}
