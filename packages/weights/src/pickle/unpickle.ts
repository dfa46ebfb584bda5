/**
 * Reads pickles of protocol 2 as weights need them: an interpreter of a list of opcodes, without recursion, that builds
 * inert values. What is not on the list is refused; nothing is ever imported or called but what the host allows.
 *
 * Source: Python's `pickletools.py` for the opcodes, PyTorch's `torch/_weights_only_unpickler.py` and
 * `torch/csrc/jit/serialization/unpickler.cpp` for which of them weights need.
 */
import { PytorchError } from "../pytorch/errors.js";
import { PickleDict, PickleGlobal, PickleList, PickleRecord, PickleTuple } from "./values.js";
import type { PickleValue } from "./values.js";

/** Who says what globals and persistent ids mean. */
export interface PickleHost {
  /** @throws PytorchError `refused-global` for what is not on its list */
  checkGlobal(global: PickleGlobal): void;
  /** What a call of a global gives. */
  call(global: PickleGlobal, args: readonly PickleValue[]): PickleValue;
  /** What a persistent id stands for. */
  load(id: PickleValue): PickleValue;
}

/** A value, and where the pickle ended: files of old PyTorch are several pickles in a row. */
export interface Unpickled {
  readonly value: PickleValue;
  readonly end: number;
}

/** Opcodes of a pickle: a whole checkpoint of 32 blocks with its optimiser has some 200,000. */
const MAX_STEPS = 4_000_000;
/** Bytes of a number: PyTorch's magic has 10. */
const MAX_LONG_BYTES = 16;

/**
 * @param bytes - from `begin` on; strings are copied out of it
 * @throws PytorchError `bad-pickle`, `too-large`, and what the host throws
 */
export function unpickle(bytes: Uint8Array, host: PickleHost, begin = 0): Unpickled {
  return new Machine(bytes, host, begin).run();
}

/** Where the items of a tuple, dict or call begin. */
const MARK = Symbol("mark");

class Machine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #host: PickleHost;
  readonly #stack: (PickleValue | typeof MARK)[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #at: number;

  constructor(bytes: Uint8Array, host: PickleHost, begin: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#host = host;
    this.#at = begin;
  }

  run(): Unpickled {
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      const opcode = this.#take(1)[0]!;
      if (opcode === 0x2e) return { value: this.#pop(), end: this.#at }; // STOP
      this.#execute(opcode);
    }
    throw new PytorchError("too-large", `expected a pickle of at most ${MAX_STEPS} steps, got more`);
  }

  #execute(opcode: number): void {
    switch (opcode) {
      case 0x80: // PROTO
        return this.#checkProtocol(this.#take(1)[0]!);
      case 0x4e: // NONE
        return this.#push(null);
      case 0x88: // NEWTRUE
        return this.#push(true);
      case 0x89: // NEWFALSE
        return this.#push(false);
      case 0x4a: // BININT
        return this.#push(this.#view.getInt32(this.#skip(4), true));
      case 0x4b: // BININT1
        return this.#push(this.#take(1)[0]!);
      case 0x4d: // BININT2
        return this.#push(this.#view.getUint16(this.#skip(2), true));
      case 0x8a: // LONG1
        return this.#push(this.#long(this.#take(1)[0]!));
      case 0x47: // BINFLOAT, the one that is big-endian
        return this.#push(this.#view.getFloat64(this.#skip(8), false));
      case 0x58: // BINUNICODE
        return this.#push(this.#text(this.#uint32()));
      case 0x55: // SHORT_BINSTRING
        return this.#push(this.#take(this.#take(1)[0]!).slice());
      case 0x28: // MARK
        return void this.#stack.push(MARK);
      case 0x29: // EMPTY_TUPLE
        return this.#push(new PickleTuple([]));
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.#push(new PickleTuple(this.#popMany(opcode - 0x84)));
      case 0x74: // TUPLE
        return this.#push(new PickleTuple(this.#popMarked()));
      case 0x5d: // EMPTY_LIST
      case 0x8f: // EMPTY_SET
        return this.#push(new PickleList());
      case 0x6c: // LIST
        return this.#pushList(this.#popMarked());
      case 0x61: // APPEND
        return this.#append(this.#popMany(1));
      case 0x65: // APPENDS
        return this.#append(this.#popMarked());
      case 0x7d: // EMPTY_DICT
        return this.#push(new PickleDict());
      case 0x64: // DICT
        return this.#pushDict(this.#popMarked());
      case 0x73: // SETITEM
        return this.#setItems(this.#popMany(2));
      case 0x75: // SETITEMS
        return this.#setItems(this.#popMarked());
      case 0x63: // GLOBAL
        return this.#global();
      case 0x52: // REDUCE
        return this.#reduce();
      case 0x81: // NEWOBJ
        return this.#newObject();
      case 0x62: // BUILD
        return this.#build();
      case 0x51: // BINPERSID
        return this.#push(this.#host.load(this.#pop()));
      case 0x71: // BINPUT
        return void this.#memo.set(this.#take(1)[0]!, this.#top());
      case 0x72: // LONG_BINPUT
        return void this.#memo.set(this.#uint32(), this.#top());
      case 0x68: // BINGET
        return this.#recall(this.#take(1)[0]!);
      case 0x6a: // LONG_BINGET
        return this.#recall(this.#uint32());
      default:
        throw this.#bad(`an opcode that weights need, got 0x${opcode.toString(16)}`);
    }
  }

  #checkProtocol(protocol: number): void {
    if (protocol !== 2) throw this.#bad(`protocol 2, got ${protocol}`);
  }

  #global(): void {
    const global = new PickleGlobal(this.#line(), this.#line());
    this.#host.checkGlobal(global);
    this.#push(global);
  }

  #reduce(): void {
    const [callee, args] = this.#popMany(2);
    if (!(callee instanceof PickleGlobal) || !(args instanceof PickleTuple)) {
      throw this.#bad("a function and its arguments to call");
    }
    this.#push(this.#host.call(callee, args.items));
  }

  #newObject(): void {
    const [type, args] = this.#popMany(2);
    if (!(type instanceof PickleGlobal) || !(args instanceof PickleTuple)) {
      throw this.#bad("a class and its arguments to make an object of");
    }
    this.#push(args.items.length === 0 ? new PickleRecord(type) : this.#host.call(type, args.items));
  }

  /** State matters to records alone; what PyTorch hangs on dicts and tensors (`_metadata`, hooks) does not. */
  #build(): void {
    const state = this.#pop();
    const object = this.#top();
    if (object instanceof PickleRecord) object.state = state;
  }

  #pushList(items: PickleValue[]): void {
    const list = new PickleList();
    this.#push(list);
    this.#append(items);
  }

  #append(items: PickleValue[]): void {
    const list = this.#top();
    if (!(list instanceof PickleList)) throw this.#bad("a list to append to");
    for (const item of items) list.items.push(item);
  }

  #pushDict(items: PickleValue[]): void {
    this.#push(new PickleDict());
    this.#setItems(items);
  }

  #setItems(items: PickleValue[]): void {
    const dict = this.#top();
    if (!(dict instanceof PickleDict)) throw this.#bad("a dict to put items into");
    if (items.length % 2 !== 0) throw this.#bad("keys and values in pairs");
    for (let i = 0; i < items.length; i += 2) dict.entries.set(items[i]!, items[i + 1]!);
  }

  #recall(index: number): void {
    if (!this.#memo.has(index)) throw this.#bad(`something remembered as ${index}`);
    this.#push(this.#memo.get(index)!);
  }

  #push(value: PickleValue): void {
    this.#stack.push(value);
  }

  #pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) throw this.#bad("a value on the stack");
    return value as PickleValue;
  }

  #top(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) throw this.#bad("a value on the stack");
    return value as PickleValue;
  }

  #popMany(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.#pop()).toReversed();
  }

  #popMarked(): PickleValue[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw this.#bad("a mark on the stack");
    const items = this.#stack.splice(mark) as PickleValue[];
    items.shift();
    return items;
  }

  /** Skips bytes. @returns where they begin */
  #skip(count: number): number {
    const begin = this.#at;
    if (begin + count > this.#bytes.length) throw this.#bad(`${count} more bytes`);
    this.#at += count;
    return begin;
  }

  #take(count: number): Uint8Array {
    const begin = this.#skip(count);
    return this.#bytes.subarray(begin, begin + count);
  }

  #uint32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  #text(count: number): string {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.#take(count));
    } catch (error) {
      throw error instanceof PytorchError ? error : this.#bad("text in UTF-8");
    }
  }

  /** Up to a line feed. */
  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw this.#bad("the end of a line");
    const text = this.#text(end - this.#at);
    this.#at++;
    return text;
  }

  /** Little-endian, two's complement. A number where it is exact. */
  #long(count: number): number | bigint {
    if (count > MAX_LONG_BYTES) throw this.#bad(`a number of at most ${MAX_LONG_BYTES} bytes, got ${count}`);
    const bytes = this.#take(count);
    let value = 0n;
    for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    value = BigInt.asIntN(8 * count, value);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  #bad(expected: string): PytorchError {
    return new PytorchError("bad-pickle", `pickle, at ${this.#at}: expected ${expected}`);
  }
}
