/** The wire format, byte by byte; expected bytes are worked out by hand from the format's description. */
import { describe, expect, test } from "vitest";
import { encodeModel } from "../src/model-proto.js";
import { Message } from "../src/protobuf.js";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("Message", () => {
  test.each([
    [0, "0800"],
    [1, "0801"],
    [127, "087f"],
    [128, "088001"],
    [150, "089601"], // the format description's own example
    [2 ** 31, "088080808008"],
    [2 ** 53 - 1, "08ffffffffffffff0f"],
    [-1, "08ffffffffffffffffff01"],
  ])("int %d", (value, expected) => {
    expect(hex(new Message().int(1, value).finish())).toBe(expected);
  });

  test("refuses what is not a safe integer", () => {
    expect(() => new Message().int(1, 0.5)).toThrow(RangeError);
    expect(() => new Message().int(1, 2 ** 53)).toThrow("expected a safe integer");
  });

  test("strings, bytes, floats, and a field number above 15", () => {
    expect(hex(new Message().string(2, "testing").finish())).toBe("120774657374696e67");
    expect(hex(new Message().string(1, "é").finish())).toBe("0a02c3a9");
    expect(hex(new Message().bytes(9, Uint8Array.of(1, 2)).finish())).toBe("4a020102");
    expect(hex(new Message().float(2, 1.5).finish())).toBe("150000c03f");
    expect(hex(new Message().int(20, 7).finish())).toBe("a00107");
  });

  test("nested messages, an empty one, and a length of two bytes", () => {
    expect(hex(new Message().message(3, new Message().int(1, 150)).finish())).toBe("1a03089601");
    expect(hex(new Message().message(3, new Message()).finish())).toBe("1a00");
    const long = new Message().message(1, new Message().bytes(1, new Uint8Array(200))).finish();
    expect(hex(long.subarray(0, 6))).toBe("0acb010ac801");
    expect(long.byteLength).toBe(206);
  });
});

test("a model of one Identity", () => {
  const value = (name: string) => ({ name, dtype: "float32" as const, shape: ["n", 2] });
  const graph = {
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
    inputs: [value("x")],
    outputs: [value("y")],
    initializers: [],
  };
  const text = (value: string): string => hex(Buffer.from(value));
  const float32n2 = ["0801", "1209", "0a03", "12016e", "0a02", "0802"]; // TypeProto.Tensor: float32 [n, 2], 13 bytes
  const valueInfo = (name: string): string[] => ["0a01", text(name), "120f", "0a0d", ...float32n2]; // 20 bytes
  const expected = [
    ["0809", "1208", text("textower")], // ir_version 9, producer_name
    ["3a4b"], // graph: 75 bytes
    ["0a13", "0a01", text("x"), "1201", text("y"), "1a01", text("y"), "2208", text("Identity")], // node
    ["1208", text("textower")], // name
    ["5a14", ...valueInfo("x")], // input
    ["6214", ...valueInfo("y")], // output
    ["4204", "0a00", "1014"], // opset_import: domain "", version 20
  ];
  expect(hex(encodeModel(graph))).toBe(expected.flat().join(""));
});
