/**
 * Runs a program: record after record, each one's units in order. See `src/record.ts` for the format.
 */
import { attendHead, listAncestors, listSegment } from "./attention";
import { elementwise } from "./elementwise";
import { gather } from "./gather";
import { layerNorm } from "./layer-norm";
import { linearGroup, linearGroupInt8 } from "./linear";
import { packFloat32 } from "./pack";
import { quantise } from "./quantise";
import {
  OP_ATTENTION,
  OP_CONCAT,
  OP_ELEMENTWISE,
  OP_GATHER,
  OP_LAYER_NORM,
  OP_LINEAR,
  OP_LINEAR_FLOAT16,
  OP_LINEAR_INT8,
  OP_PACK,
  OP_QUANTISE,
  PANELS_PER_GROUP,
  RECORD_BYTES,
  RECORD_OP,
  RECORD_OPERANDS,
  RECORD_UNITS,
  VISIBILITY_ANCESTORS,
} from "../src/record";

/** Operand `index` of a record. */
// @ts-ignore: decorator
@inline
function operand(record: usize, index: i32): u32 {
  return load<u32>(record + <usize>(RECORD_OPERANDS + (index << 2)));
}

/** Runs all records on this thread alone. */
export function run(program: usize, count: u32, scratch: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    const record = program + <usize>i * RECORD_BYTES;
    execute(record, 0, load<u32>(record, RECORD_UNITS), scratch);
  }
}

/** Units `begin` ≤ unit < `end` of a record. @param scratch - this thread's own */
export function execute(record: usize, begin: u32, end: u32, scratch: usize): void {
  switch (load<u32>(record, RECORD_OP)) {
    case OP_LINEAR:
    case OP_LINEAR_FLOAT16:
    case OP_LINEAR_INT8:
      for (let unit = begin; unit < end; unit++) {
        executeLinear(record, load<u32>(record, RECORD_OP), unit, scratch);
      }
      return;
    case OP_ELEMENTWISE:
      return executeElementwise(record, begin, end);
    case OP_LAYER_NORM:
      return executeLayerNorm(record, begin, end);
    case OP_GATHER:
      return executeGather(record, begin, end);
    case OP_ATTENTION:
      return executeAttention(record, begin, end, scratch);
    case OP_CONCAT:
      return executeConcat(record, begin, end);
    case OP_QUANTISE:
      return executeQuantise(record, begin, end);
    case OP_PACK:
      return executePack(record, begin, end);
    default:
      unreachable();
  }
}

/**
 * Operands: rows, rows in a part, parts, k, panels, a, stride, weight, bias, activation, residual, stride, c, stride,
 * scales of the outputs, bytes of a panel, bytes into the scratch where panels are widened to.
 */
function executeLinear(record: usize, op: u32, unit: u32, scratch: usize): void {
  const rowsInPart = operand(record, 1);
  const parts = operand(record, 2);
  const k = operand(record, 3);
  const first = (unit % parts) * rowsInPart;
  const rows = min(rowsInPart, operand(record, 0) - first);
  const panel = (unit / parts) * PANELS_PER_GROUP;
  const panels = min<u32>(PANELS_PER_GROUP, operand(record, 4) - panel);
  const column = <usize>panel << 5; // bytes into bias, scales and C

  const aStride = <usize>operand(record, 6);
  const a = <usize>operand(record, 5) + <usize>first * aStride;
  const bStride = <usize>operand(record, 15);
  const b = <usize>operand(record, 7) + <usize>panel * bStride;
  const bias = <usize>operand(record, 8) + column;
  const cStride = <usize>operand(record, 13);
  const c = <usize>operand(record, 12) + column + <usize>first * cStride;
  if (op == OP_LINEAR_INT8) {
    const scales = <usize>operand(record, 14) + column;
    linearGroupInt8(rows, k, panels, a, aStride, b, bStride, scales, bias, c, cStride);
  } else {
    const widened: usize = op == OP_LINEAR_FLOAT16 ? scratch + <usize>operand(record, 16) : 0;
    linearGroup(rows, k, panels, a, aStride, b, bStride, widened, bias, c, cStride);
  }

  const activation = operand(record, 9);
  const residual = <usize>operand(record, 10);
  if (activation == 0 && residual == 0) return;
  const residualStride = <usize>operand(record, 11);
  const addend: usize = residual == 0 ? 0 : residual + column + <usize>first * residualStride;
  elementwise(rows, panels << 3, c, cStride, activation, addend, residualStride, c, cStride);
}

/** Operands: columns, x, stride, activation, residual, stride, y, stride. */
function executeElementwise(record: usize, begin: u32, end: u32): void {
  const xStride = <usize>operand(record, 2);
  const residual = <usize>operand(record, 4);
  const residualStride = <usize>operand(record, 5);
  const yStride = <usize>operand(record, 7);
  elementwise(
    end - begin,
    operand(record, 0),
    <usize>operand(record, 1) + <usize>begin * xStride,
    xStride,
    operand(record, 3),
    residual == 0 ? 0 : residual + <usize>begin * residualStride,
    residualStride,
    <usize>operand(record, 6) + <usize>begin * yStride,
    yStride,
  );
}

/** Operands: columns, x, stride, weight, bias, epsilon (float bits), y, stride. */
function executeLayerNorm(record: usize, begin: u32, end: u32): void {
  const xStride = <usize>operand(record, 2);
  const yStride = <usize>operand(record, 7);
  layerNorm(
    end - begin,
    operand(record, 0),
    <usize>operand(record, 1) + <usize>begin * xStride,
    xStride,
    <usize>operand(record, 3),
    <usize>operand(record, 4),
    reinterpret<f32>(operand(record, 5)),
    <usize>operand(record, 6) + <usize>begin * yStride,
    yStride,
  );
}

/** Operands: columns, rows, x, stride, addend, stride, y, stride. */
function executeGather(record: usize, begin: u32, end: u32): void {
  const addend = <usize>operand(record, 4);
  const addendStride = <usize>operand(record, 5);
  const yStride = <usize>operand(record, 7);
  gather(
    end - begin,
    operand(record, 0),
    <usize>operand(record, 1) + (<usize>begin << 2),
    <usize>operand(record, 2),
    <usize>operand(record, 3),
    addend == 0 ? 0 : addend + <usize>begin * addendStride,
    addendStride,
    <usize>operand(record, 6) + <usize>begin * yStride,
    yStride,
  );
}

/** Operands: rows of a, bytes of a row, a, b, y. */
function executeConcat(record: usize, begin: u32, end: u32): void {
  const rows = operand(record, 0);
  const stride = <usize>operand(record, 1);
  const y = <usize>operand(record, 4);
  for (let row = begin; row < end; row++) {
    const from =
      row < rows
        ? <usize>operand(record, 2) + <usize>row * stride
        : <usize>operand(record, 3) + <usize>(row - rows) * stride;
    memory.copy(y + <usize>row * stride, from, stride);
  }
}

/** Operands: columns, x, stride, y, stride. */
function executeQuantise(record: usize, begin: u32, end: u32): void {
  const xStride = <usize>operand(record, 2);
  const yStride = <usize>operand(record, 4);
  quantise(
    end - begin,
    operand(record, 0),
    <usize>operand(record, 1) + <usize>begin * xStride,
    xStride,
    <usize>operand(record, 3) + <usize>begin * yStride,
    yStride,
  );
}

/**
 * Operands: key rows, heads, size of a head, q, stride, k, stride, v, stride, visibility, structure, query rows,
 * y, stride, bytes of a list in the scratch. A unit is query row · heads + head.
 */
function executeAttention(record: usize, begin: u32, end: u32, scratch: usize): void {
  const heads = operand(record, 1);
  const size = operand(record, 2);
  const visibility = operand(record, 9);
  const structure = <usize>operand(record, 10);
  const queryRows = <usize>operand(record, 11);
  const weights = scratch + <usize>operand(record, 14);
  let listed: u32 = u32.MAX_VALUE;
  let count: u32 = 0;
  for (let unit = begin; unit < end; unit++) {
    const row = unit / heads;
    if (row != listed) {
      listed = row;
      const place: i32 = queryRows == 0 ? row : load<i32>(queryRows + (<usize>row << 2));
      count =
        visibility == VISIBILITY_ANCESTORS
          ? listAncestors(structure, place, scratch)
          : listSegment(structure, operand(record, 0), place, scratch);
    }
    const column = <usize>((unit % heads) * size) << 2;
    attendHead(
      scratch,
      count,
      weights,
      size,
      <usize>operand(record, 3) + column + <usize>row * <usize>operand(record, 4),
      <usize>operand(record, 5) + column,
      <usize>operand(record, 6),
      <usize>operand(record, 7) + column,
      <usize>operand(record, 8),
      <usize>operand(record, 12) + column + <usize>row * <usize>operand(record, 13),
    );
  }
}

/** Operands: rows, columns, x, stride, panels: a weight that is itself computed. */
function executePack(record: usize, begin: u32, end: u32): void {
  const columns = operand(record, 1);
  const xStride = <usize>operand(record, 3);
  for (let panel = begin; panel < end; panel++) {
    const first = panel << 3;
    packFloat32(
      min<u32>(8, operand(record, 0) - first),
      columns,
      <usize>operand(record, 2) + <usize>first * xStride,
      xStride,
      <usize>operand(record, 4) + <usize>panel * (<usize>columns << 5),
    );
  }
}
