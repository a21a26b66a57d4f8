/**
 * The agents that work for a job on a cluster: brings them its program, starts its workers there and ends them.
 *
 * Which agents these are is decided elsewhere.
 */
import process from "node:process";
import type { JobEnd } from "../../core/cluster/job_end.ts";
import type { Grant } from "../../core/cluster/placement.ts";
import { LucioleError, ProgramMissingError } from "../../core/errors.ts";
import type { ClusterFlags, RunFlags } from "../../core/program/run_flags.ts";
import type { ProgramRef } from "../../core/program_blocks/program_ref.ts";
import { pause, withDeadline } from "../pause.ts";
import { localProgram } from "../program/local_program.ts";
import { shipProgram } from "../program/ship.ts";
import type { JobOrder, Transport } from "../protocol.ts";
import { UNREACHABLE } from "../tcp_transport.ts";
import { AgentClient } from "./agent_client.ts";
import type { ClusterAccess } from "./cluster_access.ts";
import { programName } from "./job_name.ts";
import type { Refusal } from "./seats.ts";
import { watchStart } from "./start_watch.ts";
import { sharedEnvironment } from "./worker_environment.ts";

export interface JobSeatsOptions {
  readonly job: string;
  readonly flags: RunFlags & { readonly cluster: ClusterFlags };
  readonly access: ClusterAccess;
  readonly signal: AbortSignal;
  /** "user@host" of whoever runs it. */
  readonly driver: string;
}

interface JobSeat {
  readonly client: AgentClient;
  readonly transport: Transport;
  readonly workers: number;
  /** Aborted when it answers nothing. */
  readonly silent: AbortSignal;
  /** Aborted with that, and when the driver gives up. */
  readonly given: AbortSignal;
  /** Its lease has begun. */
  hasJob: boolean;
}

/** Told to those that did start. */
const NEVER_STARTED: JobEnd = {
  outcome: "failed",
  cause: "not all of its agents could start it",
  details: [],
};
const LEASE_MS = 30_000;
/** What an agent that does not answer may hold the end of the job up by. */
const END_MS = 5_000;
/** How long an agent is tried to which connections break. */
const AGAIN_FOR_MS = 3_000;
/** One that answers nothing for so long is passed over. */
const LOST_MS = 10_000;
/** It may have to look at a large executable first. */
const START_MS = 60_000;
const AGAIN_MS = 100;

export class JobSeats {
  taken: readonly JobSeat[] = [];
  workers = 0;
  memoryBytesPerWorker = 0;
  readonly leaseMs: number;
  readonly #options: JobSeatsOptions;

  constructor(options: JobSeatsOptions) {
    this.#options = options;
    this.leaseMs = options.flags.cluster.leaseMs ?? LEASE_MS;
  }

  /** Has all of the agents start their workers, or none. @returns Why some did not. */
  async start(grants: readonly Grant[]): Promise<readonly Refusal[]> {
    const { signal } = this.#options;
    this.workers = grants.reduce((sum, grant) => sum + grant.workers, 0);
    this.memoryBytesPerWorker = this.#memoryOfEach(grants);
    const over = new AbortController();
    this.taken = grants.map((grant) => this.#seatOf(grant, over.signal));
    try {
      const programs = new Map<JobSeat, ProgramRef>();
      // All have the program before the first lease begins: sending it may take longer than one lasts.
      const notReady = await this.#ofEach(async (seat) => {
        programs.set(seat, await this.#bringProgram(seat));
      });
      signal.throwIfAborted();
      if (notReady.length > 0) return notReady;
      const orders = this.#orders(grants);
      const refused = await this.#ofEach((seat, i) => this.#startOn(seat, orders[i], programs.get(seat)));
      over.abort();
      // A lease is left where even that does not arrive.
      if (refused.length > 0 || signal.aborted) await this.end(NEVER_STARTED, () => undefined);
      signal.throwIfAborted();
      return refused;
    } finally {
      over.abort();
    }
  }

  /** Ends the job on all of its agents. @param onUntold Told which cannot be told; they end it by themselves. */
  async end(how: JobEnd, onUntold: (agent: string) => void): Promise<void> {
    const ends = this.taken.map(async ({ client }) => {
      const end = (signal: AbortSignal) => persist(() => client.endJob(how, signal), signal);
      await withDeadline(END_MS, end, { name: `agent ${client.id}` }).catch(() => onUntold(client.id));
    });
    await Promise.all(ends);
  }

  /** @param over The start is over, and others listen to the agent. */
  #seatOf({ agent: { id, address }, workers }: Grant, over: AbortSignal): JobSeat {
    const { access, job, signal } = this.#options;
    const transport = access.connect(id, address);
    const client = new AgentClient({ id, job, transport });
    const ask = (until: AbortSignal) => (seat.hasJob ? client.renewLease(0, until) : client.probe(until));
    const times = { leaseMs: this.leaseMs, lostMs: LOST_MS };
    const silent = watchStart(`agent ${id}`, ask, times, over);
    const given = AbortSignal.any([signal, silent]);
    const seat: JobSeat = { client, transport, workers, silent, given, hasJob: false };
    return seat;
  }

  /** Does something with all seats at once. @returns The failures. */
  async #ofEach(act: (seat: JobSeat, i: number) => Promise<void>): Promise<readonly Refusal[]> {
    const refusals = this.taken.map(async (seat, i): Promise<readonly Refusal[]> => {
      const { client, silent, given } = seat;
      try {
        const beginning = performance.now();
        await persist(
          () => act(seat, i),
          given,
          () => performance.now() - beginning < AGAIN_FOR_MS,
        );
        return [];
      } catch (error) {
        return [{ agent: client.id, error: silent.aborted ? silent.reason : error }];
      }
    });
    return (await Promise.all(refusals)).flat();
  }

  async #bringProgram({ client, transport, given }: JobSeat): Promise<ProgramRef> {
    return await shipProgram(transport, await localProgram(), { agent: client.id, signal: given });
  }

  async #startOn(seat: JobSeat, order: JobOrder, program: ProgramRef | undefined): Promise<void> {
    const { client, given } = seat;
    const deadline = { name: `agent ${client.id}`, parent: given };
    const start = (ref: ProgramRef | undefined): Promise<void> =>
      withDeadline(
        START_MS,
        (until) => client.startJob({ ...order, ...(ref && { program: ref }) }, until),
        deadline,
      );
    await start(program).catch(async (error) => {
      // Others took its place in the cache meanwhile.
      if (!(error instanceof ProgramMissingError)) throw error;
      await start(await this.#bringProgram(seat));
    });
    seat.hasJob = true;
  }

  /** What is asked for, but no more than each agent has for a slot. */
  #memoryOfEach(grants: readonly Grant[]): number {
    const { memoryBytes } = this.#options.flags;
    const asked =
      memoryBytes === undefined ? Number.POSITIVE_INFINITY : Math.floor(memoryBytes / this.workers);
    const shares = grants.map(({ agent, workers }) => {
      return Math.floor(agent.memoryBytes / (memoryBytes === undefined ? agent.slots : workers));
    });
    return Math.min(asked, ...shares);
  }

  #orders(grants: readonly Grant[]): readonly JobOrder[] {
    const { memoryBytesPerWorker, leaseMs } = this;
    const shared = {
      command: {
        // The program brings it.
        command: [],
        environment: sharedEnvironment(memoryBytesPerWorker),
        workingDirectory: process.cwd(),
      },
      name: programName(),
      driver: this.#options.driver,
      leaseMs,
      peers: Object.fromEntries(grants.map(({ agent }) => [agent.id, agent.address])),
    };
    let firstWorker = 0;
    return grants.map(({ workers }) => {
      const order = { ...shared, workers, firstWorker, memoryBytes: workers * memoryBytesPerWorker };
      firstWorker += workers;
      return order;
    });
  }
}

/** Sends again what may not have arrived; not to where nothing listens. */
async function persist(
  send: () => Promise<void>,
  signal: AbortSignal,
  isWorthAnother = (): boolean => true,
): Promise<void> {
  for (;;) {
    try {
      await send();
      return;
    } catch (error) {
      const isBroken =
        error instanceof LucioleError && error.code === UNREACHABLE && error.fields.isRefused !== true;
      if (!isBroken || signal.aborted || !isWorthAnother()) throw error;
    }
    await pause(AGAIN_MS, signal);
  }
}
