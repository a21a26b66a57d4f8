/**
 * The states of a job on one agent, and the only place that changes them.
 *
 * docs/states.md shows the table; a test compares both.
 */
import type { JobState } from "../cluster/agent_info.ts";
import { checkMove, type Table } from "../schedule/transitions.ts";

export const JOB_TRANSITIONS: Table<JobState> = {
  starting: ["running", "ending"],
  running: ["ending"],
  ending: [],
};

export class JobLife {
  readonly #job: string;
  readonly #story: string[] = [];
  #state: JobState = "starting";

  constructor(job: string) {
    this.#job = job;
  }

  get state(): JobState {
    return this.#state;
  }

  /** @throws {InvariantError} When the state may not follow, with the job's story. */
  move(to: JobState, now: number): void {
    checkMove(JOB_TRANSITIONS, { what: "job", name: this.#job, from: this.#state, to, story: this.#story });
    this.#story.push(`${now} ${to}`);
    this.#state = to;
  }
}
