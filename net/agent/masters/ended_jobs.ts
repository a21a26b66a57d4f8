/**
 * What an agent tells masters of jobs that are over: that they are, for a moment, and how they ended, for longer.
 *
 * It knows nothing of jobs that run.
 */
import type { AgentLoad } from "../../../core/cluster/agent_info.ts";
import type { EndedJob } from "../../../core/cluster/job_end.ts";
import { JobHistory } from "../../../core/cluster/job_history.ts";

/** How long masters are told at once that a job has ended: longer than it takes to tell each of them once. */
const LATE_MS = 3_000;
const MAX_LATE = 500;
const HISTORY = { jobs: 20, keepMs: 60 * 60_000 };
/** Masters that were started anew hear of all that ended within so many heartbeats. */
const TELL_EVERY = 15;

export class EndedJobs {
  readonly #history = new JobHistory(HISTORY);
  #late: readonly { readonly job: string; readonly at: number }[] = [];
  #told = 0;

  add(ended: EndedJob, now: number): void {
    this.#history.add(ended, "", now);
    this.#late = [...this.#lateAt(now), { job: ended.job, at: now }];
  }

  /** For the next heartbeat. */
  load(now: number): Pick<AgentLoad, "ended" | "history"> {
    const late = this.#lateAt(now);
    const isTold = late.length > 0 || this.#told++ % TELL_EVERY === 0;
    const history = isTold ? this.#history.list(now) : [];
    return { ended: late.map(({ job }) => job), ...(history.length === 0 ? {} : { history }) };
  }

  /** Whether a job ended here a moment ago. */
  has(job: string, now: number): boolean {
    return this.#lateAt(now).some((late) => late.job === job);
  }

  #lateAt(now: number): readonly { readonly job: string; readonly at: number }[] {
    return this.#late.filter(({ at }) => at > now - LATE_MS).slice(-MAX_LATE);
  }
}
