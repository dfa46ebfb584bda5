/**
 * The program format: what a run looks like in wasm memory. One record a step, written by `encode.ts` before each
 * run and read by `assembly/program.ts`. Both compile this file, so it holds only constants.
 *
 * A record is 64 words of 32 bits: its head, then the operands of its op in the order that `program.ts` reads them,
 * and in a cache line of their own the two counters by which threads share its units of work.
 */

/** Bytes of a record. */
export const RECORD_BYTES = 256;

/** Byte offsets in a record. */
export const RECORD_OP = 0;
/** Units of work; what a unit is depends on the op. */
export const RECORD_UNITS = 4;
/** Units that a thread takes at a time. */
export const RECORD_CHUNK = 8;
export const RECORD_OPERANDS = 12;
/** Units taken so far. */
export const RECORD_TAKEN = 128;
/** Units finished so far. */
export const RECORD_DONE = 132;

/** Ops. The unit of each is in brackets. */
export const OP_LINEAR = 1; // [group of 4 panels × part of the rows]
export const OP_LINEAR_FLOAT16 = 2; // [same]
export const OP_LINEAR_INT8 = 3; // [same]
export const OP_ELEMENTWISE = 4; // [row]
export const OP_LAYER_NORM = 5; // [row]
export const OP_GATHER = 6; // [row]
export const OP_ATTENTION = 7; // [head of a row]
export const OP_QUANTISE = 8; // [row]
export const OP_PACK = 9; // [panel]
export const OP_CONCAT = 10; // [row]

/** Activations. */
export const ACTIVATION_NONE = 0;
export const ACTIVATION_QUICK = 1;
export const ACTIVATION_ERF = 2;
export const ACTIVATION_TANH = 3;

/** What attention's structure input means. */
export const VISIBILITY_ANCESTORS = 0;
export const VISIBILITY_SEGMENTS = 1;

/** Output columns of a panel. */
export const PANEL_COLUMNS = 8;
/** Panels that make a unit of a linear. */
export const PANELS_PER_GROUP = 4;

/** Words at which threads meet, each in a cache line of its own. Addresses in wasm memory. */
/** Counts runs; workers sleep on it. */
export const CONTROL_EPOCH = 64;
/** 1 while a run may be joined. */
export const CONTROL_OPEN = 128;
/** Workers that are inside a run. */
export const CONTROL_ACTIVE = 192;
/** 1 once a thread has failed: the others give up. */
export const CONTROL_FAILED = 256;
/** 1 once workers are to end. */
export const CONTROL_STOP = 320;
/** The kernels' constants, a few hundred bytes; the program lies behind them. */
export const CONSTANTS_BEGIN = 384;
