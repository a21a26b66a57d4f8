/**
 * Where a detached driver is: on the agent that started it last, as masters tell.
 */
import type { AgentView } from "../../../core/cluster/agent_info.ts";
import type { DriverLoad } from "../../../core/cluster/driver_info.ts";
import type { ClusterAccess } from "../cluster/cluster_access.ts";

export interface DriverPlace {
  readonly agent: AgentView;
  readonly load: DriverLoad;
}

/** Every agent that has something of it, those first that started it last and can be asked. */
export async function findDetached({ master }: ClusterAccess, job: string): Promise<readonly DriverPlace[]> {
  const { agents } = await master.cluster();
  return placesOf(agents, job);
}

export function placesOf(agents: readonly AgentView[], job: string): readonly DriverPlace[] {
  const places = agents.flatMap((agent) =>
    (agent.load.drivers ?? []).filter((load) => load.job === job).map((load) => ({ agent, load })),
  );
  return places.sort((a, b) => b.load.run - a.load.run || rank(a) - rank(b));
}

function rank({ agent, load }: DriverPlace): number {
  return Number(load.state === "guarded") * 2 + Number(agent.state !== "alive");
}
