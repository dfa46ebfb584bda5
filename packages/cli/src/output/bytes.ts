/** Bytes as people read them. */

const UNITS = ["bytes", "kB", "MB", "GB"] as const;

/** Bytes in decimal units: "13.9 MB". */
export function bytesInWords(bytes: number): string {
  let unit = 0;
  let value = bytes;
  for (; value >= 1000 && unit < UNITS.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}
