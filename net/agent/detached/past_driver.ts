/**
 * Detached drivers of the agent's process before: what they printed and how they ended, as its directory has it.
 *
 * A driver dies with its agent, so one that had not ended has failed; of one that another agent guards nothing is
 * known here any more, and that agent starts it again. Knows nothing of processes.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type DriverLoad, isOver } from "../../../core/cluster/driver_info.ts";
import type { DriverReply, OutputItem } from "../../driver_protocol.ts";
import { DriverOutput } from "./driver_output.ts";

export interface DriverRecord {
  readonly load: DriverLoad;
  readonly isGuarded: boolean;
}

const RECORD = "driver.json";
const OUTPUT = "output";

export function outputOf(directory: string): string {
  return join(directory, OUTPUT);
}

/** In one step; on a full disk what was there stays. */
export function writeRecord(directory: string, record: DriverRecord): void {
  const draft = join(directory, `${RECORD}.new`);
  try {
    writeFileSync(draft, JSON.stringify(record), { mode: 0o600 });
    renameSync(draft, join(directory, RECORD));
  } catch {
    try {
      rmSync(draft, { force: true });
    } catch {
      // It goes with the directory.
    }
  }
}

/** Deletes what is of no use: what the drivers wrote there themselves, too. @param base With a folder for each. */
export function pastDrivers(base: string, agent: string): readonly PastDriver[] {
  if (!existsSync(base)) return [];
  return readdirSync(base).flatMap((name) => {
    const directory = join(base, name);
    const load = pastLoad(directory, agent);
    if (load === undefined) rmSync(directory, { recursive: true, force: true });
    return load === undefined ? [] : [new PastDriver(directory, load)];
  });
}

function pastLoad(directory: string, agent: string): DriverLoad | undefined {
  let record: DriverRecord;
  try {
    record = JSON.parse(readFileSync(join(directory, RECORD), "utf8"));
  } catch {
    // Of another version, or none: nobody can be told of it.
    return undefined;
  }
  const { load, isGuarded } = record;
  if (isOver(load.state) && load.state !== "lost") return load;
  if (isGuarded) return undefined;
  const cause = load.cause ?? `its driver's agent ${agent} was started anew`;
  const { exitCode = 1, endedAt = Date.now() } = load;
  const failed: DriverLoad = { ...load, state: "failed", exitCode, endedAt, cause };
  writeRecord(directory, { load: failed, isGuarded });
  return failed;
}

export class PastDriver {
  readonly load: DriverLoad;
  /** By the clock of `performance`. */
  readonly endedAt: number;
  readonly isThere = false;
  readonly #directory: string;
  readonly #output: DriverOutput;

  constructor(directory: string, load: DriverLoad) {
    this.#directory = directory;
    this.load = load;
    this.endedAt = performance.now() - Math.max(0, Date.now() - (load.endedAt ?? 0));
    this.#output = DriverOutput.ofPast(outputOf(directory));
  }

  get order(): { readonly run: number } {
    return this.load;
  }

  get reply(): DriverReply {
    const { job, run, state, exitCode, cause } = this.load;
    return {
      job,
      run,
      state,
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(cause === undefined ? {} : { cause }),
    };
  }

  async *read(from: number, isFollowed: boolean, signal: AbortSignal): AsyncGenerator<OutputItem> {
    yield* this.#output.read(from, isFollowed, signal);
    if (!signal.aborted) yield { kind: "ended", reply: this.reply };
  }

  async forget(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}
