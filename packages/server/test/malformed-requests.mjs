/**
 * Requests that a server has to refuse, made systematically: a good body cut at every byte, every field with every kind
 * of wrong value, bytes that are no text, types that are not read, sizes. Each with the status that it deserves.
 */

export const BODY_LIMIT = 64 * 1024;

const JSON_TYPE = "application/json";
const GOOD = '{"model":"served","input":["a red circle","ein Stück"],"encoding_format":"float"}';

/** @returns {{ name: string, contentType?: string, headers: object, body: Buffer, status: number }[]} */
export function malformedRequests() {
  return [
    ...cutBodies(),
    ...notJson(),
    ...notUtf8(),
    ...wrongFields(),
    ...wrongInputs(),
    ...wrongTypes(),
    ...sizes(),
  ];
}

function refused(name, body, status = 400, { contentType = JSON_TYPE, headers = {} } = {}) {
  return { name, contentType, headers, body: Buffer.from(body), status };
}

function* cutBodies() {
  const bytes = Buffer.from(GOOD);
  for (let length = 0; length < bytes.length; length++) {
    yield refused(`the first ${length} bytes of a good body`, bytes.subarray(0, length));
  }
}

function* notJson() {
  const bodies = {
    "a null": "null",
    "a truth": "true",
    "a number": "0",
    "a number beyond all": "1e999",
    "a string": '"a red circle"',
    "an array": "[]",
    "an array of a good body": `[${GOOD}]`,
    "two bodies": GOOD + GOOD,
    "a body and a comma": `${GOOD},`,
    "a byte order mark": `\ufeff${GOOD}`,
    blanks: " \n\t ",
    "single quotes": GOOD.replaceAll('"', "'"),
    "a name without quotes": '{model:"served","input":"a"}',
    "a trailing comma": '{"model":"served","input":"a",}',
    "a trailing comma in an array": '{"model":"served","input":["a",]}',
    "a comment": '{"model":"served",/* */"input":"a"}',
    NaN: '{"model":"served","input":[NaN]}',
    Infinity: '{"model":"served","input":[Infinity]}',
    undefined: '{"model":"served","input":undefined}',
    "a number with a plus": '{"model":"served","input":[+1]}',
    "a hexadecimal number": '{"model":"served","input":[0x10]}',
    "a leading zero": '{"model":"served","input":[01]}',
    "a line break in a string": '{"model":"served","input":"a\nb"}',
    "a zero byte in a string": '{"model":"served","input":"a\0b"}',
    "an escape that is none": '{"model":"served","input":"\\x41"}',
    "an escape that is cut": '{"model":"served","input":"\\u12"}',
    "a form": "model=served&input=a",
    markup: "<input>a</input>",
    "a request line": "POST /v1/embeddings HTTP/1.1\r\n\r\n",
  };
  for (const [name, body] of Object.entries(bodies)) yield refused(name, body);
}

/** Sequences that RFC 3629 rules out, inside an otherwise good string. */
function* notUtf8() {
  const sequences = [
    "80",
    "bf",
    "c3",
    "c080",
    "c1bf",
    "e282",
    "eda080",
    "edbfbf",
    "f08080af",
    "f4908080",
    "f5808080",
    "fe",
    "ff",
  ];
  for (const hex of sequences) {
    const bytes = Buffer.concat([
      Buffer.from('{"model":"served","input":"a '),
      Buffer.from(hex, "hex"),
      Buffer.from('"}'),
    ]);
    yield refused(`bytes ${hex} in a string`, bytes);
  }
}

function* wrongFields() {
  const values = [null, true, false, 0, 1, -1, 1.5, "", "served", [], {}, [null]];
  const good = { model: "served", input: "a", dimensions: 128, encoding_format: "float", user: "somebody" };
  const allowed = {
    model: ["served"],
    input: ["", "served"],
    dimensions: [null],
    encoding_format: [null],
    user: [null, "", "served"],
  };
  for (const [field, fine] of Object.entries(allowed)) {
    for (const value of values) {
      if (fine.includes(value)) continue;
      const status = field === "model" && value === "" ? 404 : 400;
      yield refused(
        `${field}: ${JSON.stringify(value)}`,
        JSON.stringify({ ...good, [field]: value }),
        status,
      );
    }
  }
  for (const field of ["model", "input"]) {
    yield refused(`no ${field}`, JSON.stringify({ ...good, [field]: undefined }));
  }
  for (const name of ["inputs", "prompt", "", "Model", "constructor", "toString", "__proto__"]) {
    yield refused(
      `a field ${JSON.stringify(name)}`,
      `{"model":"served","input":"a",${JSON.stringify(name)}:{"a":1}}`,
    );
  }
  yield refused("dimensions: 64", JSON.stringify({ ...good, dimensions: 64 }));
  yield refused('dimensions: "128"', JSON.stringify({ ...good, dimensions: "128" }));
  yield refused("model: gpt", JSON.stringify({ ...good, model: "gpt" }), 404);
  yield refused("model: SERVED", JSON.stringify({ ...good, model: "SERVED" }), 404);
}

function* wrongInputs() {
  const [start, end] = [49406, 49407];
  const inputs = [
    [[]],
    [null],
    [true],
    [{}],
    ["a", 1],
    [1, "a"],
    ["a", null],
    ["a", ["b"]],
    [["a"]],
    [[[start, 320, end]]],
    [[start, 320, end], []],
    [[start, 320, end], "a"],
    [[start, 320, end], 320],
    [start],
    [end, start],
    [start, 320],
    [320, end],
    [start, 49408, end],
    [start, -1, end],
    [start, 0.5, end],
    [start, 1e300, end],
    [[start, 2 ** 32 + 320, end]],
    [start, ...Array.from({ length: 76 }, () => 320), end],
    "dog ".repeat(90),
    ["a", "dog ".repeat(90)],
    "x".repeat(10_000),
    "\ud83d",
    "\ude00 a",
    ["a", "b \udfff"],
    Array.from({ length: 2049 }, () => "a"),
    Array.from({ length: 2049 }, () => [start, end]),
  ];
  for (const input of inputs) {
    const body = JSON.stringify({ model: "served", input });
    yield refused(`input: ${body.slice(26, 70)}`, body);
  }
}

function* wrongTypes() {
  const types = [
    undefined,
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "application/xml",
    "application/jsonx",
    "application/vnd.api+json",
    "json",
    "*/*",
    "application/json; charset=utf-16",
    "application/json; charset=iso-8859-1",
  ];
  for (const contentType of types) {
    yield { ...refused(`type ${contentType}`, GOOD, 415), contentType };
  }
  for (const coding of ["gzip", "br", "deflate", "zstd", "gzip, gzip"]) {
    yield refused(`coding ${coding}`, GOOD, 415, { headers: { "content-encoding": coding } });
  }
}

function* sizes() {
  const filled = (length) => `{"model":"served","input":"${"x".repeat(length)}"}`;
  const around = filled(0).length;
  yield refused("as large as may be", filled(BODY_LIMIT - around)); // too many tokens
  yield refused("a byte too large", filled(BODY_LIMIT - around + 1), 413);
  yield refused("ten times too large", filled(10 * BODY_LIMIT), 413);
  yield refused("deep arrays", `{"model":"served","input":${"[".repeat(30_000)}${"]".repeat(30_000)}}`);
  yield refused("deep arrays without an end", "[".repeat(60_000));
  yield refused("deep objects", '{"a":'.repeat(10_000));
  yield refused("a long name", `{"${"x".repeat(60_000)}":1}`);
  yield refused("a long number", `{"model":"served","input":[${"1".repeat(60_000)}]}`);
  yield refused("many fields", `{${Array.from({ length: 5000 }, (_, i) => `"${i}":1`).join()}}`);
  yield refused("many numbers", `{"model":"served","input":[${"1,".repeat(30_000)}1]}`);
  yield refused("many empty arrays", `{"model":"served","input":[${"[],".repeat(20_000)}[]]}`);
}
