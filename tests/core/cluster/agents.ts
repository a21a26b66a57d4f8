/** Agents, heartbeats and requests for tests of the cluster. */
import type { AgentInfo, AgentLoad, Heartbeat, JobLoad } from "../../../core/cluster/agent_info.ts";
import type { PlacementRequest } from "../../../core/cluster/placement.ts";

export const GIB = 2 ** 30;

export function agentInfo(id: string, changes: Partial<AgentInfo> = {}): AgentInfo {
  return {
    id,
    incarnation: `${id}-1`,
    address: `${id}.example:7401`,
    dataCenter: "dc1",
    rack: "r1",
    host: `${id}.example`,
    labels: {},
    version: "1.0.0",
    platform: "linux-x64",
    slots: 4,
    memoryBytes: 8 * GIB,
    diskBytes: 100 * GIB,
    ...changes,
  };
}

export function agentLoad({ slots, memoryBytes, diskBytes }: AgentInfo, jobs: readonly JobLoad[]): AgentLoad {
  const used = jobs.reduce((sum, { workers }) => sum + workers, 0);
  return {
    freeSlots: slots - used,
    freeMemoryBytes: Math.max(0, memoryBytes - used * GIB),
    freeDiskBytes: diskBytes,
    jobs,
  };
}

export function jobLoad(job: string, workers: number, changes: Partial<JobLoad> = {}): JobLoad {
  return {
    job,
    name: `name of ${job}`,
    program: "words.ts",
    workers,
    state: "running",
    since: 1,
    driver: "ann@laptop",
    ...changes,
  };
}

export function heartbeat(agent: AgentInfo, sequence: number, jobs: readonly JobLoad[] = []): Heartbeat {
  return { agent, load: agentLoad(agent, jobs), sequence };
}

export function request(
  job: string,
  workers: number,
  changes: Partial<PlacementRequest> = {},
): PlacementRequest {
  return { job, workers, memoryBytes: GIB, ...changes };
}
