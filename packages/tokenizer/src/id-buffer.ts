// A growing list of ids.

/** Int32 ids in one reused block; `take` copies them out. */
export class IdBuffer {
  #ids = new Int32Array(256);
  length = 0;

  push(id: number): void {
    if (this.length === this.#ids.length) this.#grow(this.length + 1);
    this.#ids[this.length++] = id;
  }

  /** Appends the first `n` of `ids`. */
  append(ids: Int32Array, n: number): void {
    if (this.length + n > this.#ids.length) this.#grow(this.length + n);
    const target = this.#ids;
    let at = this.length;
    for (let i = 0; i < n; i++) target[at++] = ids[i];
    this.length = at;
  }

  /** A copy of the first `n` ids. */
  take(n: number): Int32Array {
    return this.#ids.slice(0, n);
  }

  #grow(least: number): void {
    const grown = new Int32Array(Math.max(least, this.#ids.length * 2));
    grown.set(this.#ids);
    this.#ids = grown;
  }
}
