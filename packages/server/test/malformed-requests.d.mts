export interface MalformedRequest {
  readonly name: string;
  /** Absent: sent without one. */
  readonly contentType: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly status: number;
}
/** `BODY_LIMIT` is the limit that the server has to have, "served" the name of its model, CLIP's tokenizer its own. */
export const BODY_LIMIT: number;
export function malformedRequests(): MalformedRequest[];
