/**
 * Reads the JSON of a safetensors header, and no other JSON: an object of objects of strings and integer lists.
 *
 * Not `JSON.parse`, because that keeps the last of two equal keys without a word, gives `__proto__` a meaning on plain
 * objects, rounds integers, and builds whatever nesting it is handed.
 */
import { SafetensorsError } from "./errors.js";

/** What the header of a file says of one tensor, as written. */
export interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly offsets: readonly number[];
}

/** A header as written: nothing is checked but its form. */
export interface Header {
  readonly metadata: ReadonlyMap<string, string>;
  readonly entries: ReadonlyMap<string, HeaderEntry>;
}

const METADATA = "__metadata__";
/** Longest piece of a file's text in a message. */
const EXCERPT = 24;

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const NINE = 0x39;

/** @throws SafetensorsError `header-not-json`, `duplicate-key`, `bad-metadata`, `bad-entry`, `bad-shape`, `bad-offsets` */
export function parseHeader(text: string): Header {
  const scanner = new Scanner(text);
  const entries = new Map<string, HeaderEntry>();
  let metadata: Map<string, string> | undefined;
  scanner.object((name) => {
    if (name === METADATA) {
      if (metadata !== undefined) throw duplicate(name, "");
      metadata = parseMetadata(scanner);
    } else {
      if (entries.has(name)) throw duplicate(name, "");
      entries.set(name, parseEntry(scanner, name));
    }
  });
  scanner.end();
  return { metadata: metadata ?? new Map(), entries };
}

function parseMetadata(scanner: Scanner): Map<string, string> {
  if (!scanner.at("{")) {
    throw new SafetensorsError("bad-metadata", `${METADATA}: expected an object, got ${scanner.excerpt()}`);
  }
  const metadata = new Map<string, string>();
  scanner.object((key) => {
    if (metadata.has(key)) throw duplicate(key, ` in ${METADATA}`);
    if (!scanner.at('"')) {
      throw new SafetensorsError(
        "bad-metadata",
        `${METADATA}: expected only strings, got ${scanner.excerpt()} for "${shorten(key)}"`,
      );
    }
    metadata.set(key, scanner.string());
  });
  return metadata;
}

function parseEntry(scanner: Scanner, name: string): HeaderEntry {
  const label = `"${shorten(name)}"`;
  if (!scanner.at("{")) {
    throw new SafetensorsError("bad-entry", `${label}: expected an object, got ${scanner.excerpt()}`);
  }
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  const seen = new Set<string>();
  scanner.object((key) => {
    if (seen.has(key)) throw duplicate(key, ` in ${label}`);
    seen.add(key);
    if (key === "dtype" && scanner.at('"')) dtype = scanner.string();
    else if (key === "shape") shape = scanner.integers(`${label}: shape`, "bad-shape");
    else if (key === "data_offsets") offsets = scanner.integers(`${label}: data_offsets`, "bad-offsets");
    else {
      throw new SafetensorsError(
        "bad-entry",
        `${label}: expected dtype, shape and data_offsets, got "${shorten(key)}": ${scanner.excerpt()}`,
      );
    }
  });
  if (dtype === undefined || shape === undefined || offsets === undefined) {
    const got = [...seen].join(", ") || "none of them";
    throw new SafetensorsError("bad-entry", `${label}: expected dtype, shape and data_offsets, got ${got}`);
  }
  return { dtype, shape, offsets };
}

function duplicate(key: string, where: string): SafetensorsError {
  return new SafetensorsError(
    "duplicate-key",
    `expected each name once, got "${shorten(key)}" twice${where}`,
  );
}

/** A name from a file, short enough for a message. */
export function shorten(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 120)}…`;
}

/** Walks through the text; every step either consumes what JSON's grammar (RFC 8259) asks for or throws. */
export class Scanner {
  private position = 0;
  constructor(private readonly text: string) {}

  /** Whether the next character, after white space, is this one. It is not consumed. */
  at(character: string): boolean {
    this.skipSpace();
    return this.text[this.position] === character;
  }

  /** An object; `member` has to consume the value of the key it is given. */
  object(member: (key: string) => void): void {
    this.expect("{");
    if (this.take("}")) return;
    do {
      const key = this.string();
      this.expect(":");
      member(key);
    } while (this.take(","));
    this.expect("}");
  }

  /** A list of integers from 0 to 2^53 − 1, written without sign, fraction and exponent. */
  integers(label: string, code: "bad-shape" | "bad-offsets"): number[] {
    const found: number[] = [];
    const refuse = (): SafetensorsError =>
      new SafetensorsError(code, `${label}: expected a list of integers ≥ 0, got ${this.excerpt()}`);
    if (!this.take("[")) throw refuse();
    if (this.take("]")) return found;
    do {
      this.skipSpace();
      const begin = this.position;
      let value = 0;
      let unit = this.text.charCodeAt(begin);
      // Once beyond the safe integers the value is wrong, but it only grows.
      while (unit >= ZERO && unit <= NINE) {
        value = value * 10 + (unit - ZERO);
        unit = this.text.charCodeAt(++this.position);
      }
      const digits = this.position - begin;
      const leadingZero = digits > 1 && this.text[begin] === "0";
      if (digits === 0 || leadingZero || !Number.isSafeInteger(value)) {
        this.position = begin;
        throw refuse();
      }
      found.push(value);
    } while (this.take(","));
    if (!this.take("]")) throw refuse();
    return found;
  }

  string(): string {
    if (!this.at('"')) throw this.malformed('"');
    const begin = this.position;
    let escaped = false;
    for (let end = begin + 1; end < this.text.length; end++) {
      const code = this.text.charCodeAt(end);
      if (code === BACKSLASH) {
        escaped = true;
        end++; // what follows belongs to the escape, a quote too
      } else if (code === QUOTE) {
        this.position = end + 1;
        return escaped ? this.unescape(begin) : this.text.slice(begin + 1, end);
      } else if (code < SPACE) break; // JSON allows control characters only as escapes
    }
    throw this.malformed("a string that ends");
  }

  /** A string, number, true, false or null, as written; a string without its quotes. */
  scalar(): string {
    if (this.at('"')) return this.string();
    const match = /(?:-?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,4})?|true|false|null)/y;
    match.lastIndex = this.position;
    const written = match.exec(this.text)?.[0];
    if (written === undefined) throw this.malformed("a string, number, true, false or null");
    this.position += written.length;
    return written;
  }

  end(): void {
    this.skipSpace();
    if (this.position !== this.text.length) throw this.malformed("the end of the header");
  }

  /** What stands next, for a message. */
  excerpt(): string {
    const rest = this.text.slice(this.position, this.position + EXCERPT);
    return rest === "" ? "the end of the header" : `${JSON.stringify(rest)} at character ${this.position}`;
  }

  /** The string from `begin` to the position, with escapes. */
  private unescape(begin: number): string {
    try {
      const value = JSON.parse(this.text.slice(begin, this.position)) as string;
      // Half a surrogate pair has no UTF-8 form, so the reference refuses it.
      if (!/\p{Surrogate}/u.test(value)) return value;
    } catch {
      // an unknown escape
    }
    this.position = begin;
    throw this.malformed("a string");
  }

  private skipSpace(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.position);
      if (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.position++;
    }
  }

  private take(character: string): boolean {
    if (!this.at(character)) return false;
    this.position++;
    return true;
  }

  private expect(character: string): void {
    if (!this.take(character)) throw this.malformed(`"${character}"`);
  }

  private malformed(expected: string): SafetensorsError {
    return new SafetensorsError("header-not-json", `header: expected ${expected}, got ${this.excerpt()}`);
  }
}
