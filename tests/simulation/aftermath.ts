/**
 * What masters must know when a simulated run is over and nothing goes wrong any more: all agents, and that they are free.
 */
import type { AgentNode } from "./agent_node.ts";
import type { MasterNode } from "./master_node.ts";

/** All that goes wrong is over so long after it began at the latest. */
export const QUIET_MS = 95_000;
/** So long after it no lease and no promise is left, and masters have been told so. */
export const SETTLED_MS = 45_000;

/** @throws When a master sees the cluster otherwise than it is. */
export function checkMasters(masters: readonly MasterNode[], agents: readonly AgentNode[]): void {
  for (const master of masters) {
    const views = master.agents;
    for (const agent of agents) {
      const view = views.find((one) => one.agent.id === agent.name);
      const isKnown = view?.state === "alive" && view.agent.incarnation === agent.info.incarnation;
      if (!isKnown) throw new Error(`${master.name} takes ${agent.name} for ${view?.state ?? "nobody"}`);
      if (agent.jobs.size > 0) throw new Error(`${[...agent.jobs.keys()]} are left on ${agent.name}`);
      const { freeSlots, jobs } = view.load;
      if (freeSlots !== agent.slots || jobs.length > 0 || view.promisedSlots > 0)
        throw new Error(`${master.name} knows ${jobs.length} jobs of ${agent.name}, which has none`);
    }
    if (views.length > agents.length || master.waiting > 0)
      throw new Error(`${master.name} knows ${views.length} agents and ${master.waiting} jobs that wait`);
  }
}
