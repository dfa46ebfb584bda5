/** The body of `POST /v1/embeddings`, from bytes to something that can be encoded. */
import { isUtf8 } from "node:buffer";
import { ApiError } from "./api-error.js";
import type { Prompt } from "./encoder.js";

/** A request that makes sense; its prompts are not tokenised. */
export interface EmbeddingRequest {
  readonly prompts: readonly Prompt[];
  readonly encoding: "float" | "base64";
}

/** What requests are held against. */
export interface RequestLimits {
  /** Names that the model answers to. */
  readonly models: ReadonlySet<string>;
  readonly embedDim: number;
  /** Most prompts of a request. */
  readonly maxInputs: number;
}

const FIELDS = new Set(["input", "model", "dimensions", "encoding_format", "user"]);

/** @throws ApiError 400 for bytes that are no JSON in UTF-8 */
export function parseJson(body: Buffer): unknown {
  if (!isUtf8(body)) throw badBody("expected a body in UTF-8, got other bytes");
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (cause) {
    // The engine's message quotes the body, which may be long or private.
    throw badBody("expected a body of JSON, got something else", cause);
  }
}

/**
 * Checks everything but the prompts' tokens.
 * @throws ApiError 400, or 404 for a model that is not here
 */
export function readEmbeddingRequest(body: unknown, limits: RequestLimits): EmbeddingRequest {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw badBody(`expected a JSON object, got ${nameOf(body)}`);
  }
  const unknown = Object.keys(body).find((key) => !FIELDS.has(key));
  if (unknown !== undefined) {
    const name = shortened(unknown);
    throw invalid(name, `expected ${[...FIELDS].join(", ")}, got ${name}`, "unknown_parameter");
  }
  const fields = body as Readonly<Record<string, unknown>>;
  checkModel(fields["model"], limits.models);
  const { dimensions = null, encoding_format: encoding = null, user = null } = fields;
  if (dimensions !== null && dimensions !== limits.embedDim) {
    throw invalid(
      "dimensions",
      `expected ${limits.embedDim}, the model's only size, got ${nameOf(dimensions)}`,
    );
  }
  if (encoding !== null && encoding !== "float" && encoding !== "base64") {
    throw invalid("encoding_format", `expected "float" or "base64", got ${nameOf(encoding)}`);
  }
  if (user !== null && typeof user !== "string") {
    throw invalid("user", `expected a string, got ${nameOf(user)}`);
  }
  return { prompts: promptsOf(fields["input"], limits.maxInputs), encoding: encoding ?? "float" };
}

function checkModel(model: unknown, models: ReadonlySet<string>): void {
  if (typeof model !== "string") throw invalid("model", `expected a string, got ${nameOf(model)}`);
  if (!models.has(model)) throw noSuchModel(model);
}

/** As OpenAI's API says it. */
export function noSuchModel(model: string): ApiError {
  return new ApiError(404, `The model ${shortened(model)} does not exist here.`, {
    param: "model",
    code: "model_not_found",
  });
}

function promptsOf(input: unknown, maxInputs: number): Prompt[] {
  if (typeof input === "string") return [input];
  const kinds = "a string, an array of strings, or one or more arrays of token ids";
  if (!Array.isArray(input) || input.length === 0) {
    throw invalid("input", `expected ${kinds}, got ${nameOf(input)}`);
  }
  if (input.every((each) => typeof each === "number")) return [{ ids: input }];
  if (input.length > maxInputs) {
    throw invalid("input", `expected at most ${maxInputs} texts, got ${input.length}`, "input_too_large");
  }
  const ofTexts = typeof input[0] === "string";
  return input.map((each: unknown, index) => {
    if (ofTexts && typeof each === "string") return each;
    if (!ofTexts && Array.isArray(each) && each.every((id) => typeof id === "number")) return { ids: each };
    throw invalid("input", `input[${index}]: expected ${kinds}, got ${nameOf(each)}`);
  });
}

function badBody(message: string, cause?: unknown): ApiError {
  return new ApiError(400, message, { code: "invalid_body", cause });
}

function invalid(param: string, message: string, code = "invalid_value"): ApiError {
  return new ApiError(400, message.startsWith(param) ? message : `${param}: ${message}`, { param, code });
}

/** A value in few words. */
function nameOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "another array";
  if (typeof value === "object") return "an object";
  return typeof value === "string" ? shortened(value) : String(value as number | boolean);
}

function shortened(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
