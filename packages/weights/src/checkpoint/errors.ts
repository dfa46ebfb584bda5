/** What can be wrong with a checkpoint whose file is sound. Errors of bytes and of formats have classes of their own. */

/**
 * - `git-lfs-pointer`, `pytorch-file`, `not-a-checkpoint`: the file is of another kind
 * - `no-checkpoint`: a directory without a file that can be opened
 * - `bad-index`, `missing-shard`, `shard-mismatch`: an index of a checkpoint in several files that is malformed, or that
 *   names a file that is absent, or that its files contradict
 * - `unknown-naming`: the names are of none of the schemes, or of two
 * - `duplicate-tensor`, `missing-tensor`, `unknown-tensor`: the text tower is not exactly what the scheme says
 * - `bad-shape`, `unsupported-dtype`: one of its tensors cannot be used
 * - `bad-config`: a config that is not what such files look like
 * - `unsupported-model`: a config of another kind of text model
 * - `config-mismatch`: config and tensors contradict each other
 * - `bad-option`: an option that cannot be meant
 * - `no-such-tensor`: a read of a name that the text tower does not have
 * - `bad-token`: a token id outside the vocabulary
 */
export type CheckpointErrorCode =
  | "git-lfs-pointer"
  | "pytorch-file"
  | "not-a-checkpoint"
  | "no-checkpoint"
  | "bad-index"
  | "missing-shard"
  | "shard-mismatch"
  | "unknown-naming"
  | "duplicate-tensor"
  | "missing-tensor"
  | "unknown-tensor"
  | "bad-shape"
  | "unsupported-dtype"
  | "bad-config"
  | "unsupported-model"
  | "config-mismatch"
  | "bad-option"
  | "no-such-tensor"
  | "bad-token";

/** A file that is no CLIP text checkpoint that can be used, or a wrong use of one. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
  constructor(
    readonly code: CheckpointErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Nothing says which activation the checkpoint was trained with. Tensors cannot, and a wrong one is not noticed. */
export class MissingActivationError extends Error {
  override readonly name = "MissingActivationError";
  constructor(checkpoint: string) {
    super(
      `${checkpoint}: the activation cannot be known from tensors: expected a config.json or open_clip_config.json ` +
        `that belongs to the file, or the option activation: "quick_gelu" (OpenAI's own weights, MetaCLIP, DFN), ` +
        `"gelu" (most OpenCLIP weights: LAION, DataComp, EVA, MobileCLIP) or "gelu_tanh"`,
    );
  }
}
