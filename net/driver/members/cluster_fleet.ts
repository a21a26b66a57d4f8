/**
 * More workers for a job on a cluster: asks a master where there is room, and has the agents start them, which may be
 * new to the job. The other agents are told where those are.
 *
 * It does not decide how many there should be.
 */
import type { PlacementRequest } from "../../../core/cluster/placement.ts";
import { describeThrown, NotEnoughResourcesError } from "../../../core/errors.ts";
import type { ClusterAccess } from "../cluster/cluster_access.ts";
import type { JobSeats } from "../cluster/job_seats.ts";
import { isUnreachable, takeSeats } from "../cluster/seats.ts";
import type { Executor } from "../executor/executor.ts";
import type { Enlisted, EnlistOptions, Fleet } from "./fleet.ts";

export interface ClusterFleetOptions {
  readonly access: ClusterAccess;
  readonly executor: Pick<Executor, "agents" | "members" | "tellPeers">;
  readonly seats: JobSeats;
  /** Where workers may stand. */
  readonly request: PlacementRequest;
  readonly log: (text: string) => void;
}

export class ClusterFleet implements Fleet {
  readonly #options: ClusterFleetOptions;

  constructor(options: ClusterFleetOptions) {
    this.#options = options;
  }

  async enlist(count: number, { signal, isPatient, takesFewer }: EnlistOptions): Promise<Enlisted> {
    const { access, executor, seats, request, log } = this.#options;
    const { members } = executor;
    let first = 0;
    let reserved = 0;
    try {
      const grants = await takeSeats({
        request: {
          ...request,
          workers: count,
          leastWorkers: takesFewer ? 1 : count,
          memoryBytes: seats.memoryBytesPerWorker,
        },
        place: (ask, waitMs) => access.master.place(ask, { waitMs, signal }),
        start: (grants) => {
          members.giveUp(first, reserved);
          first = members.reserve(count);
          reserved = count;
          const live = new Map(executor.agents.map(({ id }) => [id, members.on(id).length]));
          return seats.grow(grants, { first, live, signal });
        },
        isPatient,
        onNotice: log,
        signal,
      });
      const { workers, clients, peers } = seats.enlisted(grants, first);
      members.giveUp(first + workers.length, count - workers.length);
      const there = new Set([...executor.agents, ...grants.map(({ agent }) => agent)].map(({ id }) => id));
      // Not waited for: the workers are there, and an agent that answers nothing may be the next one that is lost.
      executor.tellPeers(Object.fromEntries(Object.entries(peers).filter(([id]) => there.has(id))));
      return { kind: "enlisted", workers, clients };
    } catch (error) {
      members.giveUp(first, reserved);
      // Who is patient asks again.
      const isAway = !isPatient && isUnreachable(error);
      if (error instanceof NotEnoughResourcesError || isAway || signal.aborted) {
        return { kind: "refused", why: whyNot(signal.aborted ? signal.reason : error) };
      }
      throw error;
    }
  }
}

/** The job runs: that it cannot is not what is wrong. */
function whyNot(error: unknown): string {
  const { why } = error instanceof NotEnoughResourcesError ? error.fields : {};
  return typeof why === "string" ? why : describeThrown(error);
}
