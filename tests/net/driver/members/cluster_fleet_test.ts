/** More workers for a job on a cluster, while one of its agents is about to be lost. */
import { expect, test } from "bun:test";
import type { AgentInfo } from "../../../../core/cluster/agent_info.ts";
import type { Grant } from "../../../../core/cluster/placement.ts";
import { LucioleError } from "../../../../core/errors.ts";
import { decode } from "../../../../net/cbor.ts";
import { AgentClient } from "../../../../net/driver/agents/agent_client.ts";
import type { ClusterAccess } from "../../../../net/driver/cluster/cluster_access.ts";
import type { JobSeats } from "../../../../net/driver/cluster/job_seats.ts";
import { Executor } from "../../../../net/driver/executor/executor.ts";
import { ClusterFleet } from "../../../../net/driver/members/cluster_fleet.ts";
import type { Transport } from "../../../../net/protocol.ts";
import { UNREACHABLE } from "../../../../net/tcp_transport.ts";
import { soon, until } from "../../../oracle/until.ts";

const never = (): Promise<never> => new Promise(() => undefined);
const clientOf = (id: string, fetch: Transport["fetch"]): AgentClient =>
  new AgentClient({ id, job: "j1", transport: { fetch } });

test("workers that have come are taken, though an agent of the job cannot be told of them", async () => {
  const executor = new Executor({
    job: "j1",
    memoryBytesPerWorker: 1,
    listener: { onLog: () => undefined, onWarning: () => undefined, record: () => undefined },
  });
  const told: unknown[] = [];
  let asked = 0;
  const broken = clientOf("broken", async (path, init) => {
    if (!path.endsWith("/peers")) return await never();
    if (asked++ === 0) throw new LucioleError(UNREACHABLE, "Cannot reach it");
    told.push(decode(init?.body as Uint8Array));
    return new Response(null, { status: 204 });
  });
  const silent = clientOf("silent", never);
  executor.addWorkers(
    [
      { worker: 0, agent: "broken", host: "h" },
      { worker: 1, agent: "silent", host: "h" },
    ],
    [broken, silent],
  );
  const grant = { agent: { id: "fresh" } as AgentInfo, workers: 1 } as Grant;
  const fresh = clientOf("fresh", never);
  const peers = { broken: "b:1", silent: "s:1", fresh: "f:1", lost: "l:1" };
  const workers = [{ worker: 2, agent: "fresh", host: "h" }];
  const fleet = new ClusterFleet({
    access: { master: { place: async () => ({ grants: [grant], missing: 0 }) } } as unknown as ClusterAccess,
    executor,
    seats: {
      memoryBytesPerWorker: 1,
      grow: async () => [],
      enlisted: () => ({ workers, clients: [fresh], peers }),
    } as unknown as JobSeats,
    request: { job: "j1", workers: 2, memoryBytes: 0 },
    log: () => undefined,
  });
  const { signal } = new AbortController();
  const enlisting = fleet.enlist(1, { signal, isPatient: true, takesFewer: true });
  expect(await soon("workers", enlisting)).toEqual({ kind: "enlisted", workers, clients: [fresh] });
  await until("it is told of them", () => told.length > 0);
  const { lost: _, ...there } = peers;
  expect(told).toEqual([{ version: 1, peers: there }]);
  await executor.stop();
});
