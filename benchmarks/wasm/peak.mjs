/**
 * The most multiply-adds an engine gets out of its registers: twelve independent sums of four lanes, no memory. Its
 * module is written out here as bytes, so that it needs no compiler.
 */

const SUMS = 12;

const unsigned = (value) => {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
};
const section = (id, bytes) => [id, ...unsigned(bytes.length), ...bytes];
const vector = (opcode) => [0xfd, ...unsigned(opcode)];
const get = (local) => [0x20, local];
const set = (local) => [0x21, local];

/** @returns a function that does `steps` times `SUMS` multiply-adds on four lanes */
export async function peakModule(relaxed) {
  // Locals: 0 the steps left, 1 the factor, 2 … the sums.
  const [FACTOR, FIRST] = [1, 2];
  // sum · factor + factor: each depends on its own sum, so that none can be computed once for all.
  const multiplyAdd = (sum) =>
    relaxed
      ? [...get(sum), ...get(FACTOR), ...get(FACTOR), ...vector(0x105), ...set(sum)] // f32x4.relaxed_madd
      : [...get(sum), ...get(FACTOR), ...vector(0xe6), ...get(FACTOR), ...vector(0xe4), ...set(sum)]; // mul, add
  const sums = Array.from({ length: SUMS }, (_, i) => FIRST + i);
  const body = [
    ...[1, SUMS + 1, 0x7b], // locals: v128
    ...[0x43, 0x00, 0x00, 0x80, 0x3f, ...vector(0x13), ...set(FACTOR)], // f32x4.splat(1)
    ...[0x03, 0x40, ...sums.flatMap(multiplyAdd)], // loop
    ...[...get(0), 0x41, 0x01, 0x6b, 0x22, 0, 0x0d, 0, 0x0b], // while (--steps)
    ...sums.slice(1).flatMap((sum) => [...get(FIRST), ...get(sum), ...vector(0xe4), ...set(FIRST)]),
    ...[...get(FIRST), ...vector(0x1f), 0, 0x0b], // f32x4.extract_lane 0
  ];
  const bytes = [
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, 0x7f, 1, 0x7d]), // (i32) → f32
    ...section(3, [1, 0]),
    ...section(7, [1, 4, ...Buffer.from("peak"), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ];
  const { instance } = await WebAssembly.instantiate(Uint8Array.from(bytes));
  return instance.exports.peak;
}
