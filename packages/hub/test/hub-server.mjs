/**
 * A hub on loopback: the Hub's addresses, headers, redirects to storage on another origin, ETags and ranges, and faults
 * on demand. Large files (`lfs`) lie in storage behind signed addresses, small ones come from the hub itself.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

/** What storage addresses are signed with; no message may show it. */
export const SIGNATURE = "signed-and-secret";
/** Bytes of a fault's piece, so that a cut is one at that byte. */
const CHUNK = 16 * 1024;

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
export const gitSha1 = (bytes) =>
  createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
/** A commit that depends on the content, as commits do. */
export const commitOf = (seed) => createHash("sha1").update(String(seed)).digest("hex");

/** Bytes that look random and are the same each time. */
export function noise(length, seed = 1) {
  const bytes = new Uint8Array(length);
  let x = (seed * 2654435761) >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    bytes[i] = x;
  }
  return bytes;
}

/** See hub-server.d.mts. */
export async function startHub({ repositories, fault = () => undefined, archives = {} }) {
  const state = { fault, repositories, requests: [], sent: 0 };
  const storage = await listen((request, response) => {
    const url = new URL(request.url, "http://storage");
    const bytes = state.blobs.get(url.pathname.slice(1)) ?? archives[url.pathname];
    const asked = record("storage", request);
    if (preflight(request, response)) return;
    const signed = url.searchParams.get("signature") === SIGNATURE || archives[url.pathname] !== undefined;
    if (!signed) return fail(response, 403);
    if (bytes === undefined) return fail(response, 404);
    send(request, response, bytes, { ETag: `"storage-${url.pathname.slice(1, 9)}"` }, state.fault(asked));
  });
  state.blobs = new Map();
  for (const { commits } of Object.values(repositories)) {
    for (const files of Object.values(commits)) {
      for (const bytes of Object.values(files)) state.blobs.set(sha256(bytes), bytes);
    }
  }
  const hub = await listen((request, response) => {
    const asked = record("hub", request);
    if (preflight(request, response)) return;
    const fault = state.fault(asked);
    const path = decodeURI(new URL(request.url, "http://hub").pathname);
    if (fault?.kind === "status") return fail(response, fault.status, fault.headers);
    if (fault?.kind === "reset") return void request.socket.destroy();
    if (fault?.kind === "redirect") {
      return void response.writeHead(302, { ...CORS, Location: fault.location }).end();
    }
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/revision\/(.+)$/.exec(path);
    const resolve = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const [, name, revision, file] = api ?? resolve ?? [];
    const repository = state.repositories[name];
    if (repository === undefined) return fail(response, 401, { "X-Error-Code": "RepoNotFound" });
    const { token, gated } = repository;
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      const withToken = request.headers.authorization !== undefined;
      const code = gated ? "GatedRepo" : "RepoNotFound";
      return fail(response, withToken && gated ? 403 : 401, { "X-Error-Code": code });
    }
    const decoded = decodeURIComponent(revision);
    const commit = repository.branches[decoded] ?? decoded;
    const files = repository.commits[commit];
    if (files === undefined) return fail(response, 404, { "X-Error-Code": "RevisionNotFound" });
    if (api !== null) {
      const siblings = [...Object.keys(files), ...(repository.extraNames ?? [])].map((rfilename) => ({
        rfilename,
      }));
      const body = Buffer.from(JSON.stringify({ id: name, sha: commit, siblings }));
      return send(request, response, body, { "Content-Type": "application/json" }, fault);
    }
    const bytes = files[file];
    const headers = { "X-Repo-Commit": commit };
    if (bytes === undefined) return fail(response, 404, { ...headers, "X-Error-Code": "EntryNotFound" });
    if (!/\.(safetensors|bin|pt)$/.test(file)) {
      return send(request, response, bytes, { ...headers, ETag: `"${gitSha1(bytes)}"` }, fault);
    }
    const digest = sha256(bytes);
    Object.assign(headers, { "X-Linked-Etag": `"${digest}"`, "X-Linked-Size": String(bytes.length) });
    if (request.headers.accept?.includes("xet-fileinfo")) {
      return send(
        request,
        response,
        Buffer.from("{}"),
        { ...headers, "Content-Type": "application/json" },
        fault,
      );
    }
    if (repository.direct) return send(request, response, bytes, { ...headers, ETag: `"${digest}"` }, fault);
    const Location = `${storage.origin}/${digest}?signature=${SIGNATURE}`;
    response.writeHead(302, { ...CORS, ...headers, Location }).end();
  });

  function record(server, request) {
    const { method, url, headers } = request;
    const entry = {
      server,
      method,
      path: new URL(url, "http://hub").pathname,
      range: headers.range,
      authorization: headers.authorization,
      number: state.requests.length,
    };
    if (method !== "OPTIONS") state.requests.push(entry);
    return entry;
  }

  /** Answers with a file or a part of it, or as a fault has it. */
  function send(request, response, bytes, headers, fault) {
    if (fault?.kind === "status") return fail(response, fault.status, fault.headers);
    if (fault?.kind === "reset") return void request.socket.destroy();
    const match =
      fault?.kind === "ignore-range" ? null : /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    let [begin, end] = [0, bytes.length];
    if (match !== null) {
      begin = Number(match[1]);
      end = Math.min(match[2] === "" ? Infinity : Number(match[2]) + 1, bytes.length);
      if (begin >= bytes.length) return fail(response, 416, { "Content-Range": `bytes */${bytes.length}` });
    }
    const total = bytes.length + (fault?.kind === "wrong-total" ? 7 : 0);
    const shift = fault?.kind === "wrong-range" ? 1 : 0;
    let body = Buffer.from(bytes.subarray(begin, end));
    if (fault?.kind === "corrupt" && body.length > 0) body[Math.floor(fault.where * body.length)] ^= 0x55;
    if (fault?.kind === "long") body = Buffer.concat([body, Buffer.from("more than was asked for")]);
    if (fault?.kind === "short") body = body.subarray(0, Math.floor(fault.where * body.length));
    const complete = {
      ...CORS,
      "Accept-Ranges": "bytes",
      // What has no length ends when it ends: nobody notices below HTTP.
      ...(["long", "short"].includes(fault?.kind) ? {} : { "Content-Length": String(body.length) }),
      ...(match === null ? {} : { "Content-Range": `bytes ${begin + shift}-${end - 1}/${total}` }),
      ...headers,
    };
    if (fault?.kind === "wrong-total" && match === null) complete["Content-Length"] = String(body.length + 7);
    response.writeHead(match === null ? 200 : 206, complete);
    if (request.method === "HEAD") return void response.end();
    void write(request, response, body, fault);
  }

  async function write(request, response, body, fault) {
    const breaks = ["cut", "stall"].includes(fault?.kind);
    const until = breaks ? Math.floor(fault.where * body.length) : body.length;
    const closed = once(response, "close");
    for (let at = 0; at < until && !response.destroyed; at += CHUNK) {
      const piece = body.subarray(at, Math.min(at + CHUNK, until));
      state.sent += piece.length;
      if (state.pace !== undefined) await new Promise((resolve) => setTimeout(resolve, state.pace));
      if (!response.write(piece)) await Promise.race([once(response, "drain"), closed]);
    }
    if (until === 0) response.flushHeaders();
    if (fault?.kind === "cut") return void setTimeout(() => request.socket.destroy(), 5);
    if (fault?.kind !== "stall") response.end();
  }

  return Object.assign(state, {
    endpoint: hub.origin,
    storage: storage.origin,
    close: () => Promise.all([hub.close(), storage.close()]),
  });
}

const CORS = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Expose-Headers":
    "X-Repo-Commit, X-Linked-Etag, X-Linked-Size, X-Error-Code, ETag, Content-Range, Content-Length, Retry-After",
};

function preflight(request, response) {
  if (request.method !== "OPTIONS") return false;
  const headers = { ...CORS, "Access-Control-Allow-Headers": "authorization, range, accept" };
  response.writeHead(204, headers).end();
  return true;
}

function fail(response, status, headers = {}) {
  response.writeHead(status, { ...CORS, "Content-Type": "text/plain", ...headers }).end("no");
}

async function listen(answer) {
  const server = createServer(answer);
  server.on("clientError", (_, socket) => socket.destroy());
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}
