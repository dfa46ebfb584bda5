/**
 * Columns of a table of LanceDB, as a plain object that LanceDB takes for an Arrow schema. Not here: Arrow; a second copy of it
 * would have to be the one that LanceDB brings.
 *
 *   id        text
 *   vector    float32 [dimension], length 1
 *   metadata  JSON (Arrow's extension type `arrow.json`), in which SQL can look
 *   labels    list of text: '["key",value]' for each own key with text, a number, a boolean or null
 */
import type { IndexLayout, Metadata } from "../engine.js";

/** Ids of types: Arrow's format, `Type` of apache-arrow. */
const TYPE = { float: 3, utf8: 5, list: 12, fixedSizeList: 16 } as const;

/** Key of the schema's metadata that says of which checkpoint a table is. */
export const CHECKPOINT_KEY = "textower.checkpoint";

interface Field {
  readonly name: string;
  readonly nullable: boolean;
  readonly type: object;
  readonly metadata?: ReadonlyMap<string, string>;
}

/** A schema to hand to LanceDB. */
export function schemaOf({ dimension, checkpoint }: IndexLayout): object {
  const item = (type: object): Field => ({ name: "item", nullable: true, type });
  const fields: Field[] = [
    { name: "id", nullable: false, type: { typeId: TYPE.utf8 } },
    {
      name: "vector",
      nullable: false,
      type: {
        typeId: TYPE.fixedSizeList,
        listSize: dimension,
        children: [item({ typeId: TYPE.float, precision: 1 })],
      },
    },
    {
      name: "metadata",
      nullable: false,
      type: { typeId: TYPE.utf8 },
      metadata: new Map([["ARROW:extension:name", "arrow.json"]]),
    },
    { name: "labels", nullable: false, type: { typeId: TYPE.list, children: [item({ typeId: TYPE.utf8 })] } },
  ];
  return { fields, metadata: new Map([[CHECKPOINT_KEY, checkpoint]]) };
}

/** A value of the column `labels`. */
export function labelsOf(metadata: Metadata): string[] {
  return Object.entries(metadata)
    .filter(([, value]) => value === null || typeof value !== "object")
    .map(([key, value]) => JSON.stringify([key, value]));
}
