/**
 * The jobs that ended of late, in the order of their ends: a bounded memory of an agent or a master.
 *
 * Several agents may tell of one job. What its driver said counts; an agent that did not hear that only knows
 * that the job is over.
 */
import type { EndedJob } from "./job_end.ts";

interface Kept {
  ended: EndedJob;
  /** Workers of each agent that told of it. */
  readonly workers: Map<string, number>;
  readonly heardAt: number;
}

export interface HistoryBounds {
  readonly jobs: number;
  readonly keepMs: number;
}

export class JobHistory {
  readonly #bounds: HistoryBounds;
  readonly #kept = new Map<string, Kept>();

  constructor(bounds: HistoryBounds) {
    this.#bounds = bounds;
  }

  /** @param agent Who tells it. */
  add(ended: EndedJob, agent: string, now: number): void {
    this.#expire(now);
    const known = this.#kept.get(ended.job);
    if (known === undefined) {
      this.#kept.set(ended.job, { ended, workers: new Map([[agent, ended.workers]]), heardAt: now });
    } else {
      known.ended = better(known.ended, ended);
      known.workers.set(agent, ended.workers);
    }
    for (const job of this.#kept.keys()) {
      if (this.#kept.size <= this.#bounds.jobs) break;
      this.#kept.delete(job);
    }
  }

  /** The oldest first. */
  list(now: number): readonly EndedJob[] {
    this.#expire(now);
    return Array.from(this.#kept.values(), ({ ended, workers }) => {
      const told = [...workers.values()].reduce((sum, count) => sum + count, 0);
      return { ...ended, workers: ended.allWorkers ?? told };
    });
  }

  #expire(now: number): void {
    for (const [job, { heardAt }] of this.#kept) {
      if (now - heardAt < this.#bounds.keepMs) break;
      this.#kept.delete(job);
    }
  }
}

/** Of two accounts the one that says more; the same whichever came first. */
function better(a: EndedJob, b: EndedJob): EndedJob {
  const best = rank(a) >= rank(b) ? a : b;
  return { ...best, since: Math.min(a.since, b.since), endedAt: Math.max(a.endedAt, b.endedAt) };
}

/** A driver that failed or succeeded says so everywhere; an agent that misses its driver can only tell that. */
function rank({ outcome, isGuess }: EndedJob): number {
  if (isGuess === true) return 0;
  return outcome === "cancelled" ? 1 : 2;
}
