/** Leases of jobs: who is silent for too long is ended, and nobody else. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Leases } from "../../../core/agent/leases.ts";

describe("Leases", () => {
  test("tick() ends a job that was silent for its lease, once", () => {
    const leases = new Leases();
    leases.grant("a", 3000, 0);
    leases.grant("b", 5000, 0);
    for (const now of [1000, 2000]) expect(leases.tick(now)).toEqual([]);
    leases.renew("b", 2500);
    expect(leases.tick(3000)).toEqual([{ job: "a", silentMs: 3000 }]);
    expect(leases.tick(4000)).toEqual([]);
    expect(leases.size).toBe(1);
  });

  test("end() and renew() of a job without a lease do nothing", () => {
    const leases = new Leases();
    leases.renew("a", 0);
    leases.end("a");
    expect(leases.tick(1e9)).toEqual([]);
  });

  test("tick() gives the time back in which the process stood still: nobody could be heard", () => {
    const leases = new Leases();
    leases.grant("a", 3000, 0);
    expect(leases.tick(1000)).toEqual([]);
    expect(leases.tick(601_000)).toEqual([]);
    expect(leases.tick(602_000)).toEqual([]);
    expect(leases.tick(603_000)).toEqual([{ job: "a", silentMs: 3000 }]);
  });

  test("tick() ends exactly those whose last word is older than their lease, in random stories", () => {
    const words = fc.array(fc.record({ job: fc.nat(3), at: fc.nat(30) }), { maxLength: 40 });
    fc.assert(
      fc.property(
        words,
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 4, maxLength: 4 }),
        (said, spans) => {
          const leases = new Leases();
          const heard = spans.map(() => 0);
          const ended = new Set<number>();
          for (const [job, span] of spans.entries()) leases.grant(`${job}`, span * 1000, 0);
          for (let second = 1; second <= 30; second++) {
            for (const { job } of said.filter(({ at }) => at === second)) {
              leases.renew(`${job}`, second * 1000);
              if (!ended.has(job)) heard[job] = second;
            }
            const expected = spans.flatMap((span, job) =>
              !ended.has(job) && second - heard[job] >= span ? [job] : [],
            );
            expect(leases.tick(second * 1000).map(({ job }) => Number(job))).toEqual(expected);
            for (const job of expected) ended.add(job);
          }
        },
      ),
    );
  });
});
