/** What the module exports: the program runner, what packs weights, and the kernels by themselves for tests. */
export { execute, run } from "./program";
export { packFloat16, packFloat32, packInt8 } from "./pack";
export { activationLimit } from "./quantise";
export { int8Tile1x8, int8Tile2x8 } from "./int8-tile";
export { int8Tile5x8 } from "./int8-tile-tall";
export { widenBfloat16, widenBlock, widenFloat16 } from "./widen";
export { tile1x32, tile1x8, tile2x16 } from "./tile";
export { tile5x8 } from "./tile-tall";
export { addRow, elementwise, erfRow, quickRow, tanhRow } from "./elementwise";
export { mixValues, scoreFour } from "./attention";
export { layerNorm } from "./layer-norm";
