/** Types of hub-server.mjs. */
export declare const SIGNATURE: string;
export declare function sha256(bytes: Uint8Array): string;
export declare function gitSha1(bytes: Uint8Array): string;
export declare function commitOf(seed: unknown): string;
export declare function noise(length: number, seed?: number): Uint8Array<ArrayBuffer>;

/** A repository. Files that end in .safetensors, .bin or .pt lie in storage. */
export interface TestRepository {
  readonly branches: Readonly<Record<string, string>>;
  /** Commit → path → content. */
  readonly commits: Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>;
  /** Whoever has not this token is refused. */
  readonly token?: string;
  readonly gated?: boolean;
  /** Storage is the hub itself: no redirect. */
  readonly direct?: boolean;
  /** Listed without being there. */
  readonly extraNames?: readonly string[];
}

/** `where`: part of the body after which it happens. */
export type Fault =
  | { readonly kind: "cut" | "stall" | "corrupt" | "short"; readonly where: number }
  | { readonly kind: "reset" | "long" | "wrong-total" | "wrong-range" | "ignore-range" }
  | { readonly kind: "status"; readonly status: number; readonly headers?: Record<string, string> }
  | { readonly kind: "redirect"; readonly location: string };

export interface TestRequest {
  readonly server: "hub" | "storage";
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  /** Requests before this one. */
  readonly number: number;
}

export interface TestHub {
  readonly endpoint: string;
  readonly storage: string;
  readonly requests: TestRequest[];
  readonly repositories: Record<string, TestRepository>;
  /** Bytes of bodies sent so far. */
  sent: number;
  /** Milliseconds before each 16 KiB. */
  pace?: number;
  /** Asked before each answer. */
  fault: (request: TestRequest) => Fault | undefined;
  close(): Promise<unknown>;
}

export declare function startHub(options: {
  readonly repositories: Record<string, TestRepository>;
  readonly fault?: (request: TestRequest) => Fault | undefined;
  /** Path → content, on the storage server, without signature. */
  readonly archives?: Readonly<Record<string, Uint8Array>>;
}): Promise<TestHub>;
