/**
 * Ends what the jobs of a detached driver have on agents when its process is gone, sooner than their leases would.
 */
import { isOfRun } from "../../../core/cluster/driver_info.ts";
import { abandonedEnd } from "../../../core/cluster/job_end.ts";
import { AgentClient } from "../../driver/agents/agent_client.ts";
import type { ClusterAccess } from "../../driver/cluster/cluster_access.ts";
import { withDeadline } from "../../pause.ts";

const DEADLINE_MS = 10_000;

/** @param own The first job of the run. */
export async function endParts({ master, connect }: ClusterAccess, own: string, why: string): Promise<void> {
  const { agents } = await master.cluster();
  const parts = agents.flatMap(({ agent, load, state }) =>
    load.jobs.filter((part) => isOfRun(part.job, own)).map((part) => ({ agent, state, job: part.job })),
  );
  const ends = parts
    .filter(({ state }) => state === "alive")
    .map(async ({ agent: { id, address }, job: part }) => {
      const client = new AgentClient({ id, job: part, transport: connect(id, address) });
      const end = (signal: AbortSignal): Promise<void> => client.endJob(abandonedEnd(why), signal);
      await withDeadline(DEADLINE_MS, end, { name: `agent ${id}` });
    });
  await Promise.allSettled(ends);
}
