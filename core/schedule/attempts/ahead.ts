/**
 * How many orders an agent gets beyond its slots, so that its workers need not wait for the driver between short tasks.
 *
 * Only tasks whose like were measured to be short go ahead, and only as many as leave a choice of worker for the rest.
 */
import type { Group } from "../execution_state.ts";
import type { JobState } from "../job_state.ts";

/** Of work that waits for each slot, at most: what a more urgent task may have to wait for. */
const AHEAD_MS = 40;
/** Of work that need not be parted fairly. */
const LEAST_MS = 2;
/** Orders beyond each slot. */
export const MAX_AHEAD = 128;
/** Of the tasks that are ready, so many stay with the driver for each that goes ahead. */
const STAY = 1;

/** Takes note how long a task took. The first ones of a group are slow: their code is new to the worker. */
export function notePace(group: Group, ms: number): void {
  group.paceMs = group.paceMs === undefined ? ms : (group.paceMs + ms) / 2;
}

/** Orders that each slot may have beyond the one that it works on. */
export function aheadOf(state: JobState, group: Group, slots: number): number {
  const { paceMs, isFollowed, isPipelined } = group;
  // A pipeline waits for free slots, and a followed task may have to make room for another one.
  if (paceMs === undefined || isFollowed || isPipelined || state.pipelines.size > 0) return 0;
  const within = (limitMs: number) => Math.min(MAX_AHEAD, Math.floor(limitMs / Math.max(paceMs, 0.001)));
  const fair = Math.floor(group.readyCount / (slots * (1 + STAY)));
  return Math.max(within(LEAST_MS), Math.min(fair, within(AHEAD_MS)));
}
