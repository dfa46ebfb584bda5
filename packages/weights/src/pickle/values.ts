/**
 * What a pickle is read as: inert data. Nothing of the reader's world has a name in it: dicts are Maps, so no key
 * reaches a prototype, and a class is no more than its name.
 */

/** A value of a pickle. What `PickleHost` makes of calls and persistent ids are objects of its own. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleTuple
  | PickleList
  | PickleDict
  | PickleGlobal
  | PickleRecord
  | object;

/** A tuple. */
export class PickleTuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

/** A list, or a set. */
export class PickleList {
  readonly items: PickleValue[] = [];
}

/** A dict of whatever kind. */
export class PickleDict {
  readonly entries = new Map<PickleValue, PickleValue>();
}

/** A class or function, by name. */
export class PickleGlobal {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}

  get path(): string {
    return `${this.module}.${this.name}`;
  }
}

/** An object of a class that is only a name, and the state it was given. */
export class PickleRecord {
  state: PickleValue = null;
  constructor(readonly type: PickleGlobal) {}
}
