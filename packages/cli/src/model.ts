/**
 * From what a command line says of a model to what the library wants to know: options of the Hub, progress of what is
 * fetched, and warnings where the user can see them.
 */
import { locateModel } from "textower";
import type { LocatedModel, TextEncoderOptions } from "textower";
import type { Io } from "./io.js";
import type { CheckpointFlags } from "./options.js";
import type { Progress } from "./progress.js";

/** Those of `createTextEncoder` that are about the checkpoint. */
export type CheckpointChoice = Pick<TextEncoderOptions, "activation" | "hub" | "signal">;

/** A token is not among the flags: command lines are seen by others, and the environment has a place for it. */
export function checkpointOptions(
  { activation, offline, endpoint, cacheDir, download }: CheckpointFlags,
  progress: Progress,
  { stderr, signal }: Io,
): CheckpointChoice {
  return {
    ...(activation !== undefined && { activation }),
    ...(signal !== undefined && { signal }),
    hub: {
      ...(offline !== undefined && { offline }),
      ...(endpoint !== undefined && { endpoint }),
      ...(cacheDir !== undefined && { cacheDirectory: cacheDir }),
      ...(download !== undefined && { download }),
      onProgress: ({ path, overall }) => progress.show(`fetching ${path}`, overall.bytes, overall.total),
      onWarning: ({ message }) => {
        progress.hide();
        stderr.write(`textower: warning: ${message}\n`);
      },
    },
  };
}

/** For commands that open a checkpoint themselves. Rejects with HubError. */
export function locate(
  model: string,
  flags: CheckpointFlags,
  progress: Progress,
  io: Io,
): Promise<LocatedModel> {
  return locateModel(model, checkpointOptions(flags, progress, io));
}
