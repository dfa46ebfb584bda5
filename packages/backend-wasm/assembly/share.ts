/**
 * Runs a program together with other threads. Units of a step are taken in chunks by whoever is free, and a step is
 * over when all its units are finished: a thread that the system keeps waiting holds up at most its own chunk, and one
 * that comes late finds the steps done and catches up. Results do not depend on who computed what.
 */
import { execute } from "./program";
import {
  CONTROL_FAILED,
  RECORD_BYTES,
  RECORD_CHUNK,
  RECORD_DONE,
  RECORD_TAKEN,
  RECORD_UNITS,
} from "../src/record";

/** Looks at a step that others are finishing, before this thread goes to sleep: some tens of microseconds. */
const SPINS: u32 = 4000;
/** Longest sleep, in nanoseconds, between looks at whether another thread has failed. */
const SLEEP: i64 = 10_000_000;

/** @param scratch - this thread's own */
export function share(program: usize, count: u32, scratch: usize): void {
  if (!ASC_FEATURE_THREADS) unreachable();
  for (let i: u32 = 0; i < count; i++) {
    const record = program + <usize>i * RECORD_BYTES;
    const units = load<u32>(record, RECORD_UNITS);
    const chunk = load<u32>(record, RECORD_CHUNK);
    while (true) {
      const begin = atomic.add<u32>(record + RECORD_TAKEN, chunk);
      if (begin >= units) break;
      const end = min(begin + chunk, units);
      execute(record, begin, end, scratch);
      const finished = atomic.add<u32>(record + RECORD_DONE, end - begin) + (end - begin);
      if (finished == units) atomic.notify(record + RECORD_DONE, -1);
    }
    waitFor(record + RECORD_DONE, units);
  }
}

function waitFor(address: usize, units: u32): void {
  let done = atomic.load<u32>(address);
  for (let spins: u32 = 0; done != units; spins++) {
    if (spins >= SPINS) atomic.wait<i32>(address, done, SLEEP);
    if (atomic.load<u32>(CONTROL_FAILED) != 0) unreachable();
    done = atomic.load<u32>(address);
  }
}
