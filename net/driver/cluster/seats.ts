/**
 * Gets a job its workers: asks where there is room until there is, and has the agents start them.
 *
 * What an agent says counts: when it refuses what the master took for free, others are asked. It knows nothing of
 * addresses, nor of what the workers do.
 */
import {
  describeMissing,
  type Grant,
  type Placement,
  type PlacementRequest,
} from "../../../core/cluster/placement.ts";
import { LucioleError, NotEnoughResourcesError } from "../../../core/errors.ts";
import { pause } from "../../pause.ts";
import { UNREACHABLE } from "../../tcp_transport.ts";

export interface SeatsOptions {
  readonly request: PlacementRequest;
  /** May take up to `waitMs` when there is no room. */
  readonly place: (request: PlacementRequest, waitMs: number) => Promise<Placement>;
  /** Starts workers on all of these agents, or on none. @returns What those said that did not. */
  readonly start: (grants: readonly Grant[]) => Promise<readonly Refusal[]>;
  /** False: without room now it fails. */
  readonly isPatient: boolean;
  /** Who waits tries agents for so long that cannot be reached: they may come back, and masters miss others sooner. */
  readonly unreachableMs?: number;
  /** The master was there a moment ago: whoever sent a detached driver has asked it. */
  readonly isMasterKnown?: boolean;
  /** Told what it waits for, and which agents are passed over. */
  readonly onNotice: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface Refusal {
  readonly agent: string;
  readonly error: unknown;
}

/** A job that has just ended may not be out of the heartbeats yet. */
const FIRST_WAIT_MS = 250;
/** What a master may hold its answer for. */
const WAIT_MS = 20_000;
const AGAIN_MS = 1_000;
const UNREACHABLE_MS = 15_000;
/** Who waits does not mind a master that is started anew. */
const MASTER_GONE_MS = 60_000;

/** @throws {NotEnoughResourcesError} When it may not wait. @throws What an agent refused for, unless others may do. */
export async function takeSeats(options: SeatsOptions): Promise<readonly Grant[]> {
  const { request, start, isPatient, signal, unreachableMs = UNREACHABLE_MS } = options;
  const notice = once(options.onNotice);
  const place = patientMaster(options);
  let refusals: Refusal[] = [];
  let waitMs = FIRST_WAIT_MS;
  let unreachableSince: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    // Without those that refused it is not waited for long: they may have room before the others.
    const heldMs = refusals.length === 0 ? waitMs : Math.min(waitMs, 1);
    const placement = await place({ ...request, exclude: refusals.map(({ agent }) => agent) }, heldMs);
    if (placement.grants.length > 0) {
      const refused = await start(placement.grants);
      if (refused.length === 0) return placement.grants;
      for (const { agent, error } of refused) {
        if (!isPassedOver(error)) {
          // Who asks for nothing gives back what it was granted, which others may wait for.
          await options.place({ ...request, workers: 0, leastWorkers: 0 }, 0).catch(() => undefined);
          throw error;
        }
        notice(`agent ${agent} is passed over: ${error.message}`);
      }
      refusals.push(...refused);
      continue;
    }
    const unreachable = refusals.find(({ error }) => isUnreachable(error));
    if (unreachable !== undefined && refusals.every(({ error }) => isUnreachable(error))) {
      unreachableSince ??= performance.now();
      const isOver = performance.now() - unreachableSince >= unreachableMs;
      // They do not get nearer by waiting.
      if (!isPatient || isOver) throw unreachable.error;
    }
    const why = describeMissing(request, placement);
    if (!isPatient) throw new NotEnoughResourcesError(`Cannot run the job: ${why}`, { fields: { why } });
    // With refusals it is told already why.
    if (refusals.length === 0) notice(`waiting: ${why}`);
    else await pause(AGAIN_MS, signal);
    refusals = [];
    waitMs = WAIT_MS;
  }
}

/** Asks the master; once it has answered it may be away for a while, for those who wait. */
function patientMaster(options: SeatsOptions): SeatsOptions["place"] {
  const patiently = patientWith(options);
  return (request, waitMs) => patiently(() => options.place(request, waitMs));
}

/** The same for whatever it is asked. @returns A function that asks, and asks again. */
export function patientWith({
  isPatient,
  isMasterKnown = false,
  signal,
  onNotice,
}: Pick<SeatsOptions, "isPatient" | "isMasterKnown" | "signal" | "onNotice">): <T>(
  ask: () => Promise<T>,
) => Promise<T> {
  const notice = once(onNotice);
  let answeredAt = isMasterKnown ? performance.now() : undefined;
  return async (ask) => {
    for (;;) {
      try {
        const answer = await ask();
        answeredAt = performance.now();
        return answer;
      } catch (error) {
        const isGone = answeredAt === undefined || performance.now() - answeredAt > MASTER_GONE_MS;
        if (!isPatient || isGone || !isUnreachable(error)) throw error;
        notice(`waiting for the master: ${error.message}`);
      }
      await pause(AGAIN_MS, signal);
      signal.throwIfAborted();
    }
  };
}

/** Tells each thing once. */
function once(tell: (text: string) => void): (text: string) => void {
  const told = new Set<string>();
  return (text) => {
    if (told.size !== told.add(text).size) tell(text);
  };
}

/** The last one: it was started anew, and the job has not heard of that yet. */
const PASSED_OVER: ReadonlySet<string> = new Set([
  "not-enough-resources",
  "disk-full",
  UNREACHABLE,
  "not-found",
]);

/** Another agent may do. */
export function isPassedOver(error: unknown): error is LucioleError {
  return error instanceof LucioleError && PASSED_OVER.has(error.code);
}

export function isUnreachable(error: unknown): error is LucioleError {
  return error instanceof LucioleError && error.code === UNREACHABLE;
}
