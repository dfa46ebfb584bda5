/**
 * An ONNX model as plain data, and its encoding as a ModelProto. Field numbers are those of onnx/onnx.proto3.
 * Only what `lowerGraph` emits can be said: tensors, nodes with a few kinds of attributes, named dimensions.
 */
import { Message } from "./protobuf.js";
import type { DeferredBytes } from "./protobuf.js";

/** TensorProto.DataType. */
export const DATA_TYPES = { float32: 1, int32: 6, int64: 7, float16: 10 } as const;

/** AttributeProto.AttributeType. */
const ATTRIBUTE_TYPES = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** TensorProto.DataLocation. */
const EXTERNAL = 1;

/** The IR version that goes with opset 20 (onnx/docs/Versioning.md). */
const IR_VERSION = 9;

/** Version of the standard operator set: the first with Gelu; LayerNormalization is there since 17. */
export const OPSET_VERSION = 20;

/** An attribute of a node. A whole number can be a float or an int, so the kind is said. */
export type OnnxAttribute =
  | { readonly float: number }
  | { readonly int: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] };

/** A NodeProto: one operator of the standard set. */
export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** A graph input or output; a named dimension may differ from run to run. */
export interface OnnxValue {
  readonly name: string;
  readonly dtype: keyof typeof DATA_TYPES;
  readonly shape: readonly (number | string)[];
}

/** Bytes in a file beside the model. */
export interface ExternalBytes {
  readonly file: string;
  readonly offset: number;
  readonly byteLength: number;
}

/** A tensor with fixed contents: its little-endian bytes, where they lie, or that they are written later. */
export interface OnnxInitializer {
  readonly name: string;
  readonly dtype: keyof typeof DATA_TYPES;
  readonly shape: readonly number[];
  readonly contents: Uint8Array | ExternalBytes | DeferredBytes;
}

/** A GraphProto. */
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers: readonly OnnxInitializer[];
}

/**
 * Encodes a model.
 * @returns the bytes of a ModelProto, which the caller owns
 * @throws RangeError for contents that are deferred
 */
export function encodeModel(graph: OnnxGraph): Uint8Array<ArrayBuffer> {
  return modelProto(graph).finish();
}

/** A ModelProto, whose deferred contents are those of the initializers. */
export function modelProto(graph: OnnxGraph): Message {
  return new Message()
    .int(1, IR_VERSION) // ir_version
    .string(2, "textower") // producer_name
    .message(7, graphProto(graph))
    .message(8, new Message().string(1, "").int(2, OPSET_VERSION)); // opset_import: domain "", version
}

function graphProto(graph: OnnxGraph): Message {
  const message = new Message();
  for (const node of graph.nodes) message.message(1, nodeProto(node));
  message.string(2, "textower");
  for (const initializer of graph.initializers) message.message(5, tensorProto(initializer));
  for (const value of graph.inputs) message.message(11, valueInfoProto(value));
  for (const value of graph.outputs) message.message(12, valueInfoProto(value));
  return message;
}

function nodeProto({ op, inputs, outputs, attributes = {} }: OnnxNode): Message {
  const message = new Message();
  for (const name of inputs) message.string(1, name);
  for (const name of outputs) message.string(2, name);
  message.string(3, outputs[0]!).string(4, op); // a node goes by the name of what it makes
  for (const [name, attribute] of Object.entries(attributes))
    message.message(5, attributeProto(name, attribute));
  return message;
}

function attributeProto(name: string, attribute: OnnxAttribute): Message {
  const message = new Message().string(1, name);
  if ("float" in attribute) return message.float(2, attribute.float).int(20, ATTRIBUTE_TYPES.float);
  if ("int" in attribute) return message.int(3, attribute.int).int(20, ATTRIBUTE_TYPES.int);
  if ("string" in attribute) return message.string(4, attribute.string).int(20, ATTRIBUTE_TYPES.string);
  for (const value of attribute.ints) message.int(8, value);
  return message.int(20, ATTRIBUTE_TYPES.ints);
}

function tensorProto({ name, dtype, shape, contents }: OnnxInitializer): Message {
  const message = new Message();
  for (const size of shape) message.int(1, size);
  message.int(2, DATA_TYPES[dtype]).string(8, name);
  if (contents instanceof Uint8Array) return message.bytes(9, contents);
  if ("deferred" in contents) return message.deferred(9, contents);
  return message
    .message(13, entry("location", contents.file))
    .message(13, entry("offset", `${contents.offset}`))
    .message(13, entry("length", `${contents.byteLength}`))
    .int(14, EXTERNAL);
}

/** StringStringEntryProto. */
function entry(key: string, value: string): Message {
  return new Message().string(1, key).string(2, value);
}

function valueInfoProto({ name, dtype, shape }: OnnxValue): Message {
  const dimensions = new Message();
  for (const size of shape) {
    const dimension = typeof size === "number" ? new Message().int(1, size) : new Message().string(2, size);
    dimensions.message(1, dimension);
  }
  const tensorType = new Message().int(1, DATA_TYPES[dtype]).message(2, dimensions);
  return new Message().string(1, name).message(2, new Message().message(1, tensorType));
}
