/**
 * What a task may take of the memory that all workers have together: an even share for as many as there are now.
 *
 * Tasks keep what they were promised, so that those that begin after the workers became more get what is left of it,
 * until the others have ended; but a part of their share in any case: one that runs for long shall not starve them.
 */
import type { JobState } from "./job_state.ts";
import { totalSlots } from "./slots/slots.ts";

/** Of its share, what a task gets at least. */
const LEAST = 1 / 4;

/** @param isAhead It begins when another one has ended, in its place. */
export function shareOfMemory(state: JobState, isAhead: boolean): number {
  const { memoryBytes, memoryBytesPerWorker } = state.options;
  if (memoryBytes === undefined) return memoryBytesPerWorker;
  let promised = 0;
  let free = 0;
  let seats = 0;
  for (const agent of state.agents.values()) {
    promised += agent.promisedBytes;
    free += agent.free.size;
    // Those that are to go count as long as they work.
    seats += agent.free.size + agent.seats.size;
  }
  const share = Math.min(memoryBytesPerWorker, memoryBytes / Math.max(1, seats, totalSlots(state)));
  if (isAhead) return Math.floor(share);
  const left = (memoryBytes - promised) / Math.max(1, free);
  return Math.floor(Math.min(share, Math.max(left, share * LEAST)));
}
