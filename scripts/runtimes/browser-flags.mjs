/** Flags of every Chromium that tests start: they keep it from asking for hosts that a closed network does not have. */
export const BROWSER_FLAGS = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
