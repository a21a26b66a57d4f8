/**
 * The slots of agents: how many there are, and how many are free.
 */
import type { Agent } from "./execution_state.ts";
import type { JobState } from "./job_state.ts";

/** Slots that can be used; none of an agent that cannot start workers. */
export function slotsOf({ slots, isBroken }: Agent): number {
  return isBroken ? 0 : slots;
}

export function freeSlotsOf(agent: Agent): number {
  return Math.max(0, slotsOf(agent) - agent.running.size);
}

export function totalSlots(state: JobState): number {
  let slots = 0;
  for (const agent of state.agents.values()) slots += slotsOf(agent);
  return slots;
}
