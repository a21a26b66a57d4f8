/**
 * What commands ask of a cluster: views of its masters, and logs and the end of jobs of its agents.
 *
 * Dials agents themselves; masters only tell where they are.
 */
import { randomUUID } from "node:crypto";
import type { AgentInfo, ClusterJob, ClusterView } from "../../../core/cluster/agent_info.ts";
import type { ClientConfig } from "../../../core/cluster/config.ts";
import { LucioleError } from "../../../core/errors.ts";
import type { LogEntry } from "../../agent/workers/job_logs.ts";
import type { OutputItem } from "../../driver_protocol.ts";
import { askMaster } from "../../master_request.ts";
import { ROUTES } from "../../protocol.ts";
import { type AttachOptions, attachDriver } from "../detached/attach.ts";
import { DetachedClient } from "../detached/detached_client.ts";
import { failureText } from "../detached/follow.ts";
import { type ClusterAccess, openClusterAccess } from "./cluster_access.ts";

const TIMEOUT_MS = 10_000;
/** Ending a job waits for its workers. */
const END_TIMEOUT_MS = 30_000;

/** Reads the files of the configuration; reaches nobody yet. @throws {LucioleError} code "usage". */
export async function openClusterClient(config: ClientConfig): Promise<ClusterClient> {
  return new ClusterClient(await openClusterAccess(config));
}

export class ClusterClient {
  readonly #access: ClusterAccess;

  constructor(access: ClusterAccess) {
    this.#access = access;
  }

  /** Of the master that answered last. */
  get address(): string {
    return this.#access.master.address;
  }

  cluster(): Promise<ClusterView> {
    return this.#access.master.cluster();
  }

  jobs(): Promise<readonly ClusterJob[]> {
    return this.#access.master.jobs();
  }

  /** @throws {LucioleError} code "not-found" when the agent has no such job any more. */
  async logs(agent: AgentInfo, job: string, from: number): Promise<readonly LogEntry[]> {
    const path = `${ROUTES.logs(job)}?from=${from}`;
    return (await this.#ask(agent, "GET", path, TIMEOUT_MS)) as readonly LogEntry[];
  }

  /** Resolves when nothing of the job is left there; fine when there is no such job. @param by Told to its driver. */
  async endJob(agent: AgentInfo, job: string, by: string): Promise<void> {
    await this.#ask(agent, "DELETE", `${ROUTES.job(job)}?by=${encodeURIComponent(by)}`, END_TIMEOUT_MS);
  }

  /** What a detached driver printed until now. */
  output(agent: AgentInfo, job: string): AsyncIterable<OutputItem> {
    return this.#driver(agent, job).output(0, false, new AbortController().signal);
  }

  /** What a detached driver printed and prints until its end, on whichever agent. */
  async follow(job: string, shown: Pick<AttachOptions, "write" | "warn">): Promise<void> {
    const { signal } = new AbortController();
    const end = await attachDriver({ access: this.#access, job, isFromBeginning: true, signal, ...shown });
    // What is shown may have been cut short.
    if (end?.state === "failed") shown.warn(failureText(job, end));
  }

  /** Ends a detached driver, or the guard of one; fine when it has ended. */
  async endDriver(agent: AgentInfo, job: string, by: string): Promise<void> {
    await this.#driver(agent, job).end(by);
  }

  #driver({ id, address }: AgentInfo, job: string): DetachedClient {
    return new DetachedClient({ id, address, transport: this.#access.connect(id, address) }, job);
  }

  async #ask(agent: AgentInfo, method: "GET" | "DELETE", path: string, timeoutMs: number): Promise<unknown> {
    const { id, address } = agent;
    const link = { address, transport: this.#access.connect(id, address) };
    const answer = await askMaster(link, { method, path, id: randomUUID().slice(0, 8), timeoutMs });
    if (answer.kind === "answer") return answer.value;
    const { code, reason, why, cause } = answer.failure;
    const message = `Cannot ask agent ${id} at ${address}: ${why}`;
    throw new LucioleError(code, message, { fields: { address, reason }, cause });
  }
}
