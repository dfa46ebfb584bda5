/** What this browser and this page's server lack, in words that a user can act on. */

/** Why WebGPU cannot be picked; undefined where it can. */
export async function whyNoWebgpu(): Promise<string | undefined> {
  const { gpu } = navigator as { readonly gpu?: GPU };
  if (gpu === undefined) {
    return isSecureContext
      ? "WebGPU cannot be picked: this browser has none."
      : "WebGPU cannot be picked: browsers have it on https and localhost only.";
  }
  const adapter = await gpu.requestAdapter().catch(() => null);
  return adapter === null
    ? "WebGPU cannot be picked: this browser has it, and finds no graphics adapter that it would use."
    : undefined;
}

/** What to do about a page that is not cross-origin isolated, and so has one thread; undefined where it is. */
export function withoutThreads(): string | undefined {
  if (crossOriginIsolated) return undefined;
  const what = "One thread: threads need a page that is cross-origin isolated.";
  return "serviceWorker" in navigator
    ? `${what} Reload it: after the first visit its service worker sees to that.`
    : `${what} Its server has to send Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.`;
}
