/**
 * The process that hosts a program may take over when the program calls `run`.
 *
 * `luciole plot` imports a program only for its flows: it sets `onRun`, and `run`
 * then never starts a job. `luciole run` hands over its own flags the same way.
 */
import { LucioleError } from "../../core/errors.ts";
import type { RunFlags } from "../../core/program/run_flags.ts";
import type { ProgramRef } from "../../core/program_blocks/program_ref.ts";

export interface Host {
  /** Called by `run` instead of starting a job; the promise it returns is `run`'s own. */
  onRun?: () => Promise<void>;
  /** The program called `run` or `openJob`. */
  wasCalled?: boolean;
  /** The file that the host runs; missing where the program is the process's own. */
  program?: string;
  /** What the program is to agents, when it was sent to one to be its driver. */
  sent?: ProgramRef;
  /** Flags that the host read already (`luciole run --workers 2 job.ts`); program arguments are `rest`. */
  flags?: { readonly options: RunFlags; readonly rest: readonly string[] };
}

/** Where a compiled program, which may have no engine, keeps its host: a symbol of this name. */
export const HOST_KEY = "luciole.host";

/** Set before the program is imported, read by `run`. */
export const host: Host = (globalThis as { [key: symbol]: Host | undefined })[Symbol.for(HOST_KEY)] ?? {};

/** What a program that does nothing fails with. */
export function neverRan(program: string): LucioleError {
  return new LucioleError("program", `Cannot run "${program}": it ended without a call of run or openJob`);
}
