/**
 * A connection of a client that costs little: requests written as they are, answers read as far as HTTP/1.1 wants it, one
 * after another. Clients and server share the machine, and what clients compute the server is short of.
 */
import { once } from "node:events";
import { connect } from "node:net";

const END_OF_HEAD = "\r\n\r\n";

/** Head and body of a POST of JSON, to be sent as often as wanted. */
export function postOf(port, path, value) {
  const body = JSON.stringify(value);
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** Kept open for one request after another. */
export class Connection {
  #socket;
  #bytes = Buffer.alloc(0);
  #waiting;

  static async open(port) {
    const connection = new Connection();
    connection.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await once(connection.#socket, "connect");
    const fail = (error) =>
      connection.#waiting?.reject(error ?? new Error("expected an answer, got the connection's end"));
    connection.#socket.on("data", (chunk) => connection.#read(chunk)).on("error", fail);
    connection.#socket.on("close", () => fail());
    return connection;
  }

  /** Sends the bytes of `postOf`. Resolves with status, headers by their names in lower case, and the body as bytes. */
  send(request) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject, answer: undefined };
      this.#socket.write(request);
    });
  }

  close() {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #read(chunk) {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const { resolve, answer } = this.#waiting;
    this.#waiting.answer = answer ?? headOf(this.#bytes);
    if (this.#waiting.answer === undefined) return;
    const { status, headers, begin } = this.#waiting.answer;
    const body =
      headers["transfer-encoding"] === "chunked" ? this.#chunked(begin) : this.#whole(begin, headers);
    if (body === undefined) return;
    this.#bytes = Buffer.alloc(0); // nothing follows: the next request has not been sent
    this.#waiting = undefined;
    resolve({ status, headers, body });
  }

  #whole(begin, headers) {
    const end = begin + Number(headers["content-length"]);
    return this.#bytes.length < end ? undefined : this.#bytes.subarray(begin, end);
  }

  #chunked(begin) {
    if (!this.#bytes.subarray(-5).equals(LAST_CHUNK)) return undefined;
    const parts = [];
    for (let at = begin; ;) {
      const line = this.#bytes.indexOf("\r\n", at);
      const size = line < 0 ? NaN : parseInt(this.#bytes.toString("latin1", at, line), 16);
      if (!(line + 2 + size + 2 <= this.#bytes.length)) return undefined;
      if (size === 0) return Buffer.concat(parts);
      parts.push(this.#bytes.subarray(line + 2, line + 2 + size));
      at = line + 2 + size + 2;
    }
  }
}

const LAST_CHUNK = Buffer.from("0\r\n\r\n");

function headOf(bytes) {
  const end = bytes.indexOf(END_OF_HEAD);
  if (end < 0) return undefined;
  const [first, ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const pairs = lines.map((line) => /^([^:]+):\s*(.*)$/.exec(line));
  return {
    status: Number(first.split(" ")[1]),
    headers: Object.fromEntries(pairs.map(([, name, value]) => [name.toLowerCase(), value])),
    begin: end + END_OF_HEAD.length,
  };
}
