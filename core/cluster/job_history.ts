/**
 * The jobs that ended of late, in the order of their ends: a bounded memory of an agent or a master.
 *
 * Several agents may tell of one job. What its driver said counts; an agent that did not hear that only knows
 * that the job is over.
 */
import type { EndedJob } from "./job_end.ts";

interface Kept {
  readonly ended: EndedJob;
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

  add(ended: EndedJob, now: number): void {
    this.#expire(now);
    const known = this.#kept.get(ended.job)?.ended;
    const best = known === undefined ? ended : better(known, ended);
    if (best === known) return;
    const heardAt = this.#kept.get(ended.job)?.heardAt ?? now;
    this.#kept.set(ended.job, { ended: best, heardAt });
    for (const job of this.#kept.keys()) {
      if (this.#kept.size <= this.#bounds.jobs) break;
      this.#kept.delete(job);
    }
  }

  /** The oldest first. */
  list(now: number): readonly EndedJob[] {
    this.#expire(now);
    return Array.from(this.#kept.values(), ({ ended }) => ended);
  }

  #expire(now: number): void {
    for (const [job, { heardAt }] of this.#kept) {
      if (now - heardAt < this.#bounds.keepMs) break;
      this.#kept.delete(job);
    }
  }
}

/** Of two accounts the one that says more, with all workers; the same whichever came first. */
function better(a: EndedJob, b: EndedJob): EndedJob {
  const [best, other] = rank(a) >= rank(b) ? [a, b] : [b, a];
  const isSame = other.workers <= best.workers && other.since >= best.since && other.endedAt <= best.endedAt;
  if (isSame) return best;
  return {
    ...best,
    workers: Math.max(a.workers, b.workers),
    since: Math.min(a.since, b.since),
    endedAt: Math.max(a.endedAt, b.endedAt),
  };
}

/** A driver that failed or succeeded says so everywhere; an agent that misses its driver can only tell that. */
function rank({ outcome, isGuess }: EndedJob): number {
  if (isGuess === true) return 0;
  return outcome === "cancelled" ? 1 : 2;
}
