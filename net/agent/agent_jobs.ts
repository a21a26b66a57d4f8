/**
 * The jobs of an agent, and its slots: the agent is the authority on them.
 *
 * A grant that it cannot honour is refused. Knows nothing of HTTP.
 */
import { join } from "node:path";
import { Leases } from "../../core/agent/leases.ts";
import type { AgentLoad, JobLoad } from "../../core/cluster/agent_info.ts";
import { abandonedEnd, type JobEnd } from "../../core/cluster/job_end.ts";
import { CancelledError, LucioleError, NotEnoughResourcesError, ProtocolError } from "../../core/errors.ts";
import { type JobOrder, PROTOCOL } from "../protocol.ts";
import { AgentJob } from "./agent_job.ts";
import { DiskWatch } from "./disk_watch.ts";
import { EndedJobs } from "./masters/ended_jobs.ts";
import type { TransportsOf } from "./peer_access.ts";
import type { ProgramCache } from "./programs/program_cache.ts";
import type { WorkerStarter } from "./workers/worker_starter.ts";

export interface AgentJobsOptions {
  readonly id: string;
  readonly directory: string;
  readonly slots: number;
  readonly memoryBytes?: number;
  /** What shards and spilled data of all jobs may take; without it nobody looks. */
  readonly diskBytes?: number;
  readonly startWorker: WorkerStarter;
  readonly stallMs?: number;
  readonly heldBytes?: number;
  /** Makes what reaches the other agents of a job; without it there are none. */
  readonly transportsOf?: TransportsOf;
  /** Those that drivers sent; without it jobs bring a command of their own. */
  readonly programs?: ProgramCache;
  /** Told what an operator of the agent may want to know. */
  readonly onNotice?: (text: string) => void;
  /** Told when its load is other than before. */
  readonly onChange?: () => void;
}

export class AgentJobs {
  readonly #options: AgentJobsOptions;
  readonly #jobs = new Map<string, AgentJob>();
  readonly #leases = new Leases();
  /** What keeps the programs of jobs in the cache. */
  #releases: { readonly job: string; readonly release: () => void }[] = [];
  /** Jobs whose programs are being opened: one that is ended meanwhile must not begin after its end. */
  readonly #opening = new Set<{ readonly job: string; isEnded: boolean }>();
  readonly #disk: DiskWatch | undefined;
  readonly #ended = new EndedJobs();
  #isClosed = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: AgentJobsOptions) {
    this.#options = options;
    const { directory, diskBytes: quotaBytes, onNotice = () => undefined } = options;
    if (quotaBytes === undefined) return;
    this.#disk = new DiskWatch({
      directory,
      quotaBytes,
      workers: () => [...this.#jobs.values()].flatMap(({ workers }) => workers.pids),
      onNotice,
      onRoom: (refusal) => {
        for (const job of this.#jobs.values()) job.tellRoom(refusal);
        options.onChange?.();
      },
    });
  }

  /** What `GET /v1/agent` tells. */
  describe(): object {
    const { id, slots, memoryBytes } = this.#options;
    const jobs = [...this.#jobs].map(([job, { workers, queuedOrders }]) => {
      return { job, workers: workers.size, queuedOrders };
    });
    const free = slots - this.#used();
    return {
      id,
      slots,
      free,
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
      protocol: PROTOCOL,
      jobs,
    };
  }

  /** What masters are told. */
  get load(): AgentLoad {
    const { slots, memoryBytes = 0 } = this.#options;
    let freeSlots = slots;
    let freeMemoryBytes = memoryBytes;
    const jobs: JobLoad[] = [];
    for (const [job, { workers, order, state, since }] of this.#jobs) {
      const { name = job, driver = "", memoryBytes: ownBytes = 0 } = order ?? {};
      freeSlots -= workers.size;
      freeMemoryBytes -= ownBytes;
      jobs.push({ job, name, program: name, workers: workers.size, state, since, driver });
    }
    freeMemoryBytes = Math.max(0, freeMemoryBytes);
    const freeDiskBytes = this.#disk?.freeBytes ?? 0;
    return { freeSlots, freeMemoryBytes, freeDiskBytes, jobs, ...this.#ended.load(performance.now()) };
  }

  /** @throws {LucioleError} code "not-found". */
  find(job: string): AgentJob {
    const found = this.#jobs.get(job);
    if (found !== undefined) return found;
    throw new LucioleError("not-found", `Cannot find job ${job}: agent ${this.#options.id} does not run it`, {
      fields: { job, ...(this.#ended.has(job, performance.now()) && { hasEnded: true }) },
    });
  }

  /** The batches of a small shard that lies in memory here; undefined for any other. */
  heldItems(job: string, attempt: string, partition: number): Uint8Array | undefined {
    return this.#jobs.get(job)?.shards.held.items(attempt, partition);
  }

  /**
   * Opens the job if need be and starts its workers.
   *
   * @throws {NotEnoughResourcesError} @throws {ProgramMissingError} When its program must be sent first.
   * @throws {LucioleError} code "not-found" When it is to have the job already, and has not.
   */
  async start(id: string, order: JobOrder): Promise<void> {
    const { programs, id: agent } = this.#options;
    if (order.program === undefined) {
      this.#start(id, order);
      return;
    }
    if (programs === undefined)
      throw new ProtocolError(`Cannot start job ${id}: agent ${agent} keeps no programs`);
    const opening = { job: id, isEnded: false };
    this.#opening.add(opening);
    const { command, environment, release } = await programs
      .open(order.program)
      .finally(() => this.#opening.delete(opening));
    try {
      if (opening.isEnded) throw new CancelledError(`Cannot start job ${id} on agent ${agent}: it was ended`);
      const own = {
        ...order.command,
        command,
        environment: { ...order.command.environment, ...environment },
      };
      this.#start(id, { ...order, command: own });
      this.#releases.push({ job: id, release });
    } catch (error) {
      release();
      throw error;
    }
  }

  #start(id: string, order: JobOrder): void {
    if (order.isMore === true) this.find(id);
    const free = this.#isClosed ? 0 : this.#options.slots - this.#used();
    const wanted = this.#jobs.get(id)?.workers.missing(order) ?? order.workers;
    if (wanted > free) {
      throw new NotEnoughResourcesError(
        `Cannot start ${wanted} workers of job ${id}: agent ${this.#options.id} has ${free} slots free`,
        { fields: { job: id, workers: wanted, free } },
      );
    }
    this.#checkMemory(id, order);
    this.#checkDisk(id);
    let job = this.#jobs.get(id);
    if (job?.state === "ending")
      throw new ProtocolError(`Cannot start workers of job ${id}: it is being ended`);
    if (job === undefined) {
      const { id: agent, directory, startWorker, stallMs, heldBytes, transportsOf } = this.#options;
      const peers = transportsOf?.(id, () => job?.order?.peers ?? {});
      job = new AgentJob({
        ...(peers && { peers }),
        job: id,
        agent,
        directory: join(directory, id),
        startWorker,
        ...(stallMs === undefined ? {} : { stallMs }),
        ...(heldBytes === undefined ? {} : { heldBytes }),
        isRemote: order.leaseMs !== undefined,
        onWorkerLeft: () => this.#options.onChange?.(),
      });
      this.#jobs.set(id, job);
    }
    job.start(order);
    this.#disk?.start();
    this.#options.onChange?.();
    if (order.leaseMs !== undefined) this.#grantLease(id, order.leaseMs);
  }

  /** The same as `find`, for requests of the job's driver: it is there. @throws {LucioleError} code "not-found". */
  findForDriver(id: string): AgentJob {
    this.#leases.renew(id, performance.now());
    return this.find(id);
  }

  /** Resolves when nothing of the job is left; fine when there is no such job. @param by Who asked for it, if not the driver. */
  async end(id: string, end: JobEnd, by?: string): Promise<void> {
    for (const opening of this.#opening) if (opening.job === id) opening.isEnded = true;
    const job = this.#jobs.get(id);
    if (job === undefined) return;
    this.#leases.end(id);
    const { order, since } = job;
    const workers = job.workers.size;
    await job.end(by).finally(() => {
      // A second request that waited for the same end finds nothing more to do.
      if (!this.#jobs.delete(id)) return;
      const { name = id, driver = "" } = order ?? {};
      const endedAt = Date.now();
      this.#ended.add({ job: id, name, driver, workers, since, endedAt, ...end }, performance.now());
      this.#release(id);
      if (this.#jobs.size === 0) this.#disk?.stop();
      this.#options.onChange?.();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    const end = abandonedEnd(`agent ${this.#options.id} was stopped`);
    await Promise.all([...this.#jobs.keys()].map((id) => this.end(id, end)));
  }

  abandon(): void {
    for (const job of this.#jobs.values()) job.abandon();
  }

  #release(id: string): void {
    for (const { job, release } of this.#releases) if (job === id) release();
    this.#releases = this.#releases.filter(({ job }) => job !== id);
  }

  #checkMemory(id: string, { memoryBytes: wanted = 0 }: JobOrder): void {
    const { id: agent, memoryBytes } = this.#options;
    if (memoryBytes === undefined || wanted === 0) return;
    let free = memoryBytes;
    for (const [other, { order }] of this.#jobs) if (other !== id) free -= order?.memoryBytes ?? 0;
    if (wanted <= free) return;
    throw new NotEnoughResourcesError(
      `Cannot start job ${id}: it wants ${wanted} bytes of memory, and agent ${agent} has ${Math.max(0, free)} free`,
      { fields: { job: id, wanted, free } },
    );
  }

  #checkDisk(job: string): void {
    const refusal = this.#disk?.refusal;
    if (refusal === undefined) return;
    const { id } = this.#options;
    throw new LucioleError("disk-full", `Cannot start job ${job} on agent ${id}: ${refusal}`, {
      fields: { job },
    });
  }

  #grantLease(job: string, leaseMs: number): void {
    this.#leases.grant(job, leaseMs, performance.now());
    this.#timer ??= setInterval(() => this.#tick(), Leases.TICK_MS);
  }

  #tick(): void {
    for (const { job, silentMs } of this.#leases.tick(performance.now())) {
      const driver = this.#jobs.get(job)?.order?.driver ?? "its driver";
      const cause = `nothing was heard of ${driver} for ${Math.round(silentMs / 1000)} s`;
      this.#options.onNotice?.(`job ${job} is ended: ${cause}`);
      this.end(job, abandonedEnd(cause)).catch((error) =>
        this.#options.onNotice?.(`job ${job} was not ended cleanly: ${error}`),
      );
    }
    if (this.#leases.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #used(): number {
    let used = 0;
    for (const job of this.#jobs.values()) used += job.workers.size;
    return used;
  }
}
