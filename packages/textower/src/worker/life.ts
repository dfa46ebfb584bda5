/**
 * How the end of a worker is noticed in browsers, which say nothing when one is terminated: the worker holds a Web Lock,
 * and its caller waits for it. Ports of Node tell of themselves (`close`).
 */

/** The locks of a browser, in secure contexts. */
function browserLocks(): LockManager | undefined {
  const { process } = globalThis as { process?: { readonly versions?: { readonly node?: string } } };
  if (process?.versions?.node !== undefined) return undefined;
  return (globalThis as { navigator?: { readonly locks?: LockManager } }).navigator?.locks;
}

/**
 * The worker's side.
 * @returns once the lock is held, where there are locks; a function that lets go of it
 */
export async function live(name: string): Promise<() => void> {
  const locks = browserLocks();
  if (locks === undefined) return () => undefined;
  return new Promise((resolve, reject) => {
    locks.request(name, () => new Promise<void>((release) => resolve(release))).catch(reject);
  });
}

/**
 * The caller's side, for a worker that is known to hold the lock.
 * @returns a function that stops watching
 */
export function watchLife(name: string, onEnd: () => void): () => void {
  const controller = new AbortController();
  browserLocks()
    ?.request(name, { signal: controller.signal }, onEnd)
    .catch(() => undefined); // no longer watched
  return () => controller.abort();
}
