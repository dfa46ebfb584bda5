/** Where a benchmark in a page runs, as far as browsers say. */

/** Name → value, for people. */
export async function describeMachine(): Promise<Record<string, string>> {
  const { userAgent, hardwareConcurrency, gpu } = navigator as Navigator & {
    readonly gpu?: { requestAdapter(): Promise<{ info?: { vendor: string; architecture: string } } | null> };
  };
  const adapter = (await gpu?.requestAdapter().catch(() => null)) ?? undefined;
  const { vendor, architecture } = adapter?.info ?? { vendor: "", architecture: "" };
  return {
    browser: /(?:Firefox|Chrome|Version)\/[\d.]+/.exec(userAgent)?.[0] ?? userAgent,
    cores: String(hardwareConcurrency),
    isolated: globalThis.crossOriginIsolated ? "yes" : "no: one thread",
    ...(adapter !== undefined && { GPU: `${vendor} ${architecture}`.trim() || "unnamed" }),
  };
}
