/**
 * How much there is to do for the workers of a job at this moment.
 */
import type { JobState } from "./job_state.ts";

/** Attempts that hold a slot or wait at an agent for one, and tasks that could run and have none. */
export function backlogOf(state: JobState): { readonly running: number; readonly waiting: number } {
  let running = 0;
  let waiting = 0;
  for (const agent of state.agents.values()) {
    const inSlots = Math.min(agent.running.size, agent.slots);
    running += inSlots;
    waiting += agent.running.size - inSlots;
  }
  for (const { readyCount } of state.ready) waiting += readyCount;
  for (const { pipeline } of state.pipelines)
    if (pipeline?.isGranted === false) waiting += pipeline.pending.size;
  return { running, waiting };
}
