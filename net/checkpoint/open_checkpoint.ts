/**
 * Opens the checkpoint of a job before the job itself: what is wrong with it is told before anything runs.
 */
import type { CheckpointFlags, RunFlags } from "../../core/program/run_flags.ts";
import manifest from "../../package.json" with { type: "json" };
import { createJobOutput } from "../driver/job_output.ts";
import { localProgram } from "../program/local_program.ts";
import { openCheckpointDirectory } from "./checkpoint_directory.ts";
import { JobCheckpoint } from "./job_checkpoint.ts";

/**
 * Opens a job with its checkpoint.
 *
 * @throws {LucioleError} code "checkpoint" When the directory cannot be used.
 */
export async function withCheckpoint<Job>(
  flags: RunFlags & { readonly checkpoint: CheckpointFlags },
  args: readonly string[],
  signal: AbortSignal,
  open: (checkpoint: JobCheckpoint) => Promise<Job>,
): Promise<Job> {
  const { directory: path, isResumed } = flags.checkpoint;
  const { program } = await localProgram();
  // The job has its own, once there is one.
  const output = createJobOutput(flags);
  const relay = { log: output.parts.log };
  const directory = await openCheckpointDirectory({
    path,
    isResumed,
    opened: { kind: "opened", version: manifest.version, program: program.ref.sha256, args },
    log: (text) => relay.log(text),
    warn: (text) => relay.log(`warning: ${text}`),
    signal,
  });
  const checkpoint = new JobCheckpoint(directory, relay);
  try {
    return await open(checkpoint);
  } catch (error) {
    await checkpoint.close(false);
    throw error;
  } finally {
    output.close();
  }
}
