/**
 * The jobs of an agent, and its slots: the agent is the authority on them.
 *
 * A grant that it cannot honour is refused. Knows nothing of HTTP.
 */
import { join } from "node:path";
import { LucioleError, NotEnoughResourcesError, ProtocolError } from "../../core/errors.ts";
import { type JobOrder, PROTOCOL } from "../protocol.ts";
import { AgentJob } from "./agent_job.ts";
import type { WorkerStarter } from "./worker_starter.ts";

export interface AgentJobsOptions {
  readonly id: string;
  readonly directory: string;
  readonly slots: number;
  readonly startWorker: WorkerStarter;
  readonly stallMs?: number;
  readonly heldBytes?: number;
}

export class AgentJobs {
  readonly #options: AgentJobsOptions;
  readonly #jobs = new Map<string, AgentJob>();
  #isClosed = false;

  constructor(options: AgentJobsOptions) {
    this.#options = options;
  }

  /** What `GET /v1/agent` tells. */
  describe(): object {
    const { id, slots } = this.#options;
    const jobs = [...this.#jobs].map(([job, { workers, queuedOrders }]) => ({ job, workers, queuedOrders }));
    return { id, slots, free: slots - this.#used(), protocol: PROTOCOL, jobs };
  }

  /** @throws {LucioleError} code "not-found". */
  find(job: string): AgentJob {
    const found = this.#jobs.get(job);
    if (found !== undefined) return found;
    throw new LucioleError("not-found", `Cannot find job ${job}: agent ${this.#options.id} does not run it`, {
      fields: { job },
    });
  }

  /** The batches of a small shard that lies in memory here; undefined for any other. */
  heldItems(job: string, attempt: string, partition: number): Uint8Array | undefined {
    return this.#jobs.get(job)?.shards.held.items(attempt, partition);
  }

  /** Opens the job if need be and starts its workers. @throws {NotEnoughResourcesError} */
  start(id: string, order: JobOrder): void {
    const free = this.#isClosed ? 0 : this.#options.slots - this.#used();
    const wanted = this.#jobs.get(id)?.missing(order) ?? order.workers;
    if (wanted > free) {
      throw new NotEnoughResourcesError(
        `Cannot start ${wanted} workers of job ${id}: agent ${this.#options.id} has ${free} slots free`,
        { fields: { job: id, workers: wanted, free } },
      );
    }
    let job = this.#jobs.get(id);
    if (job?.isEnding) throw new ProtocolError(`Cannot start workers of job ${id}: it is being ended`);
    if (job === undefined) {
      const { id: agent, directory, startWorker, stallMs, heldBytes } = this.#options;
      job = new AgentJob({
        job: id,
        agent,
        directory: join(directory, id),
        startWorker,
        ...(stallMs === undefined ? {} : { stallMs }),
        ...(heldBytes === undefined ? {} : { heldBytes }),
      });
      this.#jobs.set(id, job);
    }
    job.start(order);
  }

  /** Resolves when nothing of the job is left; fine when there is no such job. */
  async end(id: string): Promise<void> {
    const job = this.#jobs.get(id);
    if (job === undefined) return;
    await job.end().finally(() => this.#jobs.delete(id));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#jobs.keys()].map((id) => this.end(id)));
  }

  abandon(): void {
    for (const job of this.#jobs.values()) job.abandon();
  }

  #used(): number {
    let used = 0;
    for (const job of this.#jobs.values()) used += job.workers;
    return used;
  }
}
