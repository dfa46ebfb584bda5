/** One code for each way in which a PyTorch file can be wrong, or be more than a reader of weights will take. */

/**
 * - `bad-zip`: the archive's directory is not what the format says, or records overlap
 * - `missing-record`: a record that the pickle speaks of, or the pickle itself, is not there
 * - `compressed-record`: tensors or the pickle are compressed, encrypted or split over files; PyTorch stores them
 * - `big-endian`: written on a machine with the other byte order
 * - `bad-pickle`: the pickle ends early, underflows its stack or uses an opcode that weights do not need
 * - `refused-global`: it names something outside the list of what weights need; nothing was called
 * - `too-large`: a pickle, directory or structure beyond the bounds that any checkpoint keeps
 * - `bad-storage`, `bad-tensor`: sizes, strides or offsets that do not fit one another or the file
 * - `no-tensors`: nothing in it is a state dict or a module
 */
export type PytorchErrorCode =
  | "bad-zip"
  | "missing-record"
  | "compressed-record"
  | "big-endian"
  | "bad-pickle"
  | "refused-global"
  | "too-large"
  | "bad-storage"
  | "bad-tensor"
  | "no-tensors";

/** A PyTorch file that cannot be read. */
export class PytorchError extends Error {
  override readonly name = "PytorchError";
  constructor(
    readonly code: PytorchErrorCode,
    /** The message without what stands before it. */
    private readonly finding: string,
    file?: string,
  ) {
    super(`pytorch: ${file === undefined ? "" : `${file}: `}${finding}`);
  }

  /** The same error, with the file's name in its message. */
  in(file: string): PytorchError {
    return new PytorchError(this.code, this.finding, file);
  }
}
