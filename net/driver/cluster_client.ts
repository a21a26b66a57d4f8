/**
 * What commands ask of a cluster: views of its masters, and logs and the end of jobs of its agents.
 *
 * Dials agents themselves; masters only tell where they are.
 */
import { randomUUID } from "node:crypto";
import type { AgentInfo, ClusterJob, ClusterView } from "../../core/cluster/agent_info.ts";
import type { ClientConfig } from "../../core/cluster/config.ts";
import { LucioleError } from "../../core/errors.ts";
import { askMaster } from "../master_request.ts";
import { ROUTES, type Transport } from "../protocol.ts";
import { currentRuntime } from "../runtime/current_runtime.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { readSecurity, type Security } from "../security/security.ts";
import { tcpTransport } from "../tcp_transport.ts";
import { MasterClient } from "./master_client.ts";

/** A line that a worker printed or logged, as its agent keeps it. */
export interface LogEntry {
  /** Counted from 0 over the life of the job on the agent. */
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** -1 for the agent itself. */
  readonly worker: number;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly text: string;
}

const TIMEOUT_MS = 10_000;
/** Ending a job waits for its workers. */
const END_TIMEOUT_MS = 30_000;

/** Reads the files of the configuration; reaches nobody yet. @throws {LucioleError} code "usage". */
export async function openClusterClient({ masters, security }: ClientConfig): Promise<ClusterClient> {
  return new ClusterClient(masters, await currentRuntime(), await readSecurity(security));
}

export class ClusterClient {
  readonly #masters: MasterClient;
  readonly #connect: (name: string, address: string) => Transport;

  constructor(masters: readonly string[], runtime: Runtime, security: Security) {
    this.#connect = (name, address) => connect(runtime, security, name, address);
    const links = masters.map((address) => ({ address, transport: this.#connect("the master", address) }));
    this.#masters = new MasterClient({ masters: links });
  }

  /** Of the master that answered last. */
  get address(): string {
    return this.#masters.address;
  }

  cluster(): Promise<ClusterView> {
    return this.#masters.cluster();
  }

  jobs(): Promise<readonly ClusterJob[]> {
    return this.#masters.jobs();
  }

  /** @throws {LucioleError} code "not-found" when the agent has no such job any more. */
  async logs(agent: AgentInfo, job: string, from: number): Promise<readonly LogEntry[]> {
    const path = `${ROUTES.job(job)}/logs?from=${from}`;
    return (await this.#ask(agent, "GET", path, TIMEOUT_MS)) as readonly LogEntry[];
  }

  /** Resolves when nothing of the job is left there; fine when there is no such job. */
  async endJob(agent: AgentInfo, job: string): Promise<void> {
    await this.#ask(agent, "DELETE", ROUTES.job(job), END_TIMEOUT_MS);
  }

  async #ask(agent: AgentInfo, method: "GET" | "DELETE", path: string, timeoutMs: number): Promise<unknown> {
    const { address } = agent;
    const link = { address, transport: this.#connect(`agent ${agent.id}`, address) };
    const answer = await askMaster(link, { method, path, id: randomUUID().slice(0, 8), timeoutMs });
    if (answer.kind === "answer") return answer.value;
    const { code, reason, why, cause } = answer.failure;
    const message = `Cannot ask agent ${agent.id} at ${address}: ${why}`;
    throw new LucioleError(code, message, { fields: { address, reason }, cause });
  }
}

/** How a machine of the cluster is dialled. */
export function connect(runtime: Runtime, security: Security, name: string, address: string): Transport {
  const { credentials, tls } = security;
  return tcpTransport(runtime, {
    address,
    name,
    ...(credentials && { credentials }),
    ...(tls && { tls: tls.client }),
  });
}
