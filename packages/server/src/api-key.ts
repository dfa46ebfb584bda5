/** API keys: whether a request has one of those that are let in. */
import { createHash, timingSafeEqual } from "node:crypto";
import { ApiError } from "./api-error.js";

/**
 * A check of the header `Authorization`. Takes the same time whichever key comes, and however much of it is right.
 * @throws TypeError for a key that is empty or cannot be sent
 */
export function apiKeyCheck(keys: readonly string[]): (authorization: string | undefined) => void {
  for (const key of keys) {
    // RFC 6750, 2.1: b64token, here any visible ASCII.
    if (!/^[\x21-\x7e]+$/.test(key))
      throw new TypeError("apiKeys: expected visible ASCII, got something else");
  }
  const digests = keys.map(digest);
  return (authorization) => {
    const token = /^Bearer +([^ ]+) *$/i.exec(authorization ?? "")?.[1];
    const given = digest(token ?? ""); // equal lengths, as the comparison wants them
    let known = false;
    for (const each of digests) known = timingSafeEqual(each, given) || known;
    if (!known) {
      throw new ApiError(401, token === undefined ? "expected an API key, got none" : "unknown API key", {
        code: "invalid_api_key",
        headers: { "www-authenticate": 'Bearer realm="textower"' },
      });
    }
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
