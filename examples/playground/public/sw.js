/**
 * Keeps the playground for days without a network, once the page says that it has come up. Plain files are answered from
 * the cache, and of the model, which the page reads in ranges, any range. Adds what makes a page cross-origin isolated,
 * where the server does not.
 */
const CACHE = "textower-playground";

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("message", (event) => {
  if (event.data === "keep") event.waitUntil(keep().then(() => event.source?.postMessage("kept")));
});
addEventListener("fetch", (event) => {
  const { request } = event;
  const isOurs = request.method === "GET" && new URL(request.url).origin === location.origin;
  if (isOurs) event.respondWith(answer(request));
});

/** Files of this build; those of earlier ones go. */
async function keep() {
  const cache = await caches.open(CACHE);
  const files = await (await fetch("files.json", { cache: "no-cache" })).json();
  const wanted = new Set(files.map((file) => new URL(file, registration.scope).href));
  for (const request of await cache.keys()) if (!wanted.has(request.url)) await cache.delete(request);
  for (const url of wanted) if (!(await cache.match(url))) await cache.add(url);
}

async function answer(request) {
  const cache = await caches.open(CACHE);
  const isPage = request.mode === "navigate";
  const kept = async () => {
    const found = await cache.match(isPage ? registration.scope : request.url);
    return found === undefined ? undefined : isolated(await rangeOf(found, request.headers.get("Range")));
  };
  // A page may have changed; files with a digest in their names have not.
  if (!isPage) {
    const found = await kept();
    if (found !== undefined) return found;
  }
  try {
    return isolated(await fetch(request));
  } catch (error) {
    const found = await kept();
    if (found !== undefined) return found;
    throw error;
  }
}

async function rangeOf(response, range) {
  const asked = /^bytes=(\d+)-(\d*)$/.exec(range ?? "");
  if (asked === null) return response;
  const blob = await response.blob();
  const begin = Number(asked[1]);
  const end = Math.min(asked[2] === "" ? blob.size : Number(asked[2]) + 1, blob.size);
  const headers = {
    "Content-Range": `bytes ${begin}-${end - 1}/${blob.size}`,
    "Content-Length": String(end - begin),
    "Content-Type": "application/octet-stream",
    "Accept-Ranges": "bytes",
  };
  return new Response(blob.slice(begin, end), { status: 206, headers });
}

function isolated(response) {
  if (response.type === "opaque" || response.status === 0 || response.status === 304) return response;
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
