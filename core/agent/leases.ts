/**
 * Which jobs of an agent are to be ended because nothing was heard of their driver for too long.
 *
 * Sans-I/O: every call is told the time. It does not know what ending a job takes.
 */

/** Between two ticks there is never more, unless the process or its machine stood still. */
const STOOD_STILL_MS = 5_000;

interface Lease {
  readonly leaseMs: number;
  until: number;
}

export class Leases {
  readonly #leases = new Map<string, Lease>();
  #tickedAt = 0;

  /** How often `tick` is due while there are leases, in ms. */
  static readonly TICK_MS = 1_000;

  get size(): number {
    return this.#leases.size;
  }

  /** Begins a lease, or gives a job another one. */
  grant(job: string, leaseMs: number, now: number): void {
    if (this.#leases.size === 0) this.#tickedAt = now;
    this.#leases.set(job, { leaseMs, until: now + leaseMs });
  }

  /** The driver was heard of. */
  renew(job: string, now: number): void {
    const lease = this.#leases.get(job);
    if (lease !== undefined) lease.until = now + lease.leaseMs;
  }

  end(job: string): void {
    this.#leases.delete(job);
  }

  /** Ends the leases that have run out; returns their jobs, each with how long its driver was silent. */
  tick(now: number): readonly { readonly job: string; readonly silentMs: number }[] {
    const stoodStillMs = now - this.#tickedAt > STOOD_STILL_MS ? now - this.#tickedAt : 0;
    this.#tickedAt = now;
    const expired: { job: string; silentMs: number }[] = [];
    for (const [job, lease] of this.#leases) {
      // Who stood still has not heard what drivers said meanwhile.
      lease.until += stoodStillMs;
      if (now < lease.until) continue;
      expired.push({ job, silentMs: now - lease.until + lease.leaseMs });
      this.#leases.delete(job);
    }
    return expired;
  }
}
