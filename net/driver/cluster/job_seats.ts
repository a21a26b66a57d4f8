/**
 * The agents that work for a job on a cluster: brings them its program, starts its workers there and ends them.
 *
 * Which agents these are is decided elsewhere.
 */
import process from "node:process";
import type { AgentInfo } from "../../../core/cluster/agent_info.ts";
import type { JobEnd } from "../../../core/cluster/job_end.ts";
import type { Grant } from "../../../core/cluster/placement.ts";
import { LucioleError, ProgramMissingError } from "../../../core/errors.ts";
import type { WorkerInfo } from "../../../core/job/worker_info.ts";
import type { ClusterFlags, RunFlags } from "../../../core/program/run_flags.ts";
import type { ProgramRef } from "../../../core/program_blocks/program_ref.ts";
import { pause, withDeadline } from "../../pause.ts";
import { localProgram } from "../../program/local_program.ts";
import { shipProgram } from "../../program/ship.ts";

import type { JobOrder, Transport } from "../../protocol.ts";
import { lifeThread } from "../../runtime/life_thread.ts";
import { UNREACHABLE } from "../../tcp_transport.ts";
import { AgentClient } from "../agents/agent_client.ts";
import { watchStart } from "../agents/start_watch.ts";
import { sharedEnvironment } from "../agents/worker_environment.ts";
import { programName } from "../job_name.ts";
import type { ClusterAccess } from "./cluster_access.ts";
import type { Refusal } from "./seats.ts";

export interface JobSeatsOptions {
  readonly job: string;
  readonly flags: RunFlags & { readonly cluster: ClusterFlags };
  readonly access: ClusterAccess;
  readonly signal: AbortSignal;
  /** "user@host" of whoever runs it. */
  readonly driver: string;
}

interface Growth {
  /** Number of the first worker. */
  readonly first: number;
  /** Workers that the job has on its agents. */
  readonly live: ReadonlyMap<string, number>;
  readonly signal: AbortSignal;
}

interface JobSeat {
  readonly agent: AgentInfo;
  readonly client: AgentClient;
  readonly transport: Transport;
  readonly workers: number;
  /** Aborted when it answers nothing. */
  readonly silent: AbortSignal;
  /** Aborted with that, and when the driver gives up. */
  readonly given: AbortSignal;
  /** Its lease has begun. */
  hasJob: boolean;
  /** It had workers of the job before. */
  readonly isOld: boolean;
}

/** Told to those that did start. */
const NEVER_STARTED: JobEnd = {
  outcome: "failed",
  cause: "not all of its agents could start it",
  details: [],
};
const LEASE_MS = 30_000;
/** Within one lease, where the process itself does not. */
const KEPT = 5;
/** What an agent that does not answer may hold the end of the job up by. */
const END_MS = 5_000;
/** How long an agent is tried to which connections break. */
const AGAIN_FOR_MS = 3_000;
/** One that answers nothing for so long is passed over. */
const LOST_MS = 10_000;
/** It may have to look at a large executable first. */
const START_MS = 60_000;
/** Longer than an agent holds whoever writes to a channel that is read slowly. */
const ANSWER_MS = 30_000;
const AGAIN_MS = 100;

export class JobSeats {
  taken: readonly JobSeat[] = [];
  workers = 0;
  memoryBytesPerWorker = 0;
  readonly leaseMs: number;
  readonly #options: JobSeatsOptions;
  #letGo: () => void = () => undefined;

  constructor(options: JobSeatsOptions) {
    this.#options = options;
    this.leaseMs = options.flags.cluster.leaseMs ?? LEASE_MS;
  }

  /** Has all of the agents start their workers, or none. @returns Why some did not. */
  async start(grants: readonly Grant[]): Promise<readonly Refusal[]> {
    this.workers = grants.reduce((sum, grant) => sum + grant.workers, 0);
    this.memoryBytesPerWorker = this.#memoryOfEach(grants);
    this.taken = [];
    return await this.#start(grants, { first: 0, live: new Map(), signal: this.#options.signal });
  }

  /** The same for a job that runs: agents may have workers of it already. */
  async grow(grants: readonly Grant[], growth: Growth): Promise<readonly Refusal[]> {
    return await this.#start(grants, growth);
  }

  /** What the agents of these grants have started, and where all agents of the job are. */
  enlisted(
    grants: readonly Grant[],
    first: number,
  ): {
    readonly workers: readonly WorkerInfo[];
    readonly clients: readonly AgentClient[];
    readonly peers: Readonly<Record<string, string>>;
  } {
    let next = first;
    const workers = grants.flatMap(({ agent, workers: count }) =>
      Array.from({ length: count }, () => ({ worker: next++, agent: agent.id, host: agent.host })),
    );
    const clients = this.taken.filter(({ agent: { id } }) => grants.some(({ agent }) => agent.id === id));
    return { workers, clients: clients.map(({ client }) => client), peers: this.#peers([]) };
  }

  async #start(grants: readonly Grant[], growth: Growth): Promise<readonly Refusal[]> {
    const { signal } = growth;
    const over = new AbortController();
    const seats = grants.map((grant) => this.#seatOf(grant, over.signal, growth));
    try {
      const programs = new Map<JobSeat, ProgramRef>();
      // All have the program before the first lease begins: sending it may take longer than one lasts.
      const notReady = await ofEach(seats, async (seat) => {
        // It may have something of a start that was given up, or of before the job lost it.
        if (!seat.isOld && this.taken.length > 0) await endBefore(seat);
        programs.set(seat, await this.#bringProgram(seat));
      });
      signal.throwIfAborted();
      if (notReady.length > 0) return notReady;
      const orders = this.#orders(grants, growth);
      const refused = await ofEach(seats, (seat, i) => this.#startOn(seat, orders[i], programs.get(seat)));
      over.abort();
      // A lease is left where even that does not arrive.
      if (refused.length > 0 || signal.aborted) await giveBack(seats, orders);
      else this.#take(seats);
      signal.throwIfAborted();
      return refused;
    } finally {
      over.abort();
    }
  }

  /** Of agents that are lost, too: a request to those is in vain. */
  #keepLeases(): void {
    const { access, job } = this.#options;
    this.#letGo();
    const everyMs = this.leaseMs / KEPT;
    const ends = this.taken.map(({ agent }) =>
      lifeThread.keep({ everyMs, request: () => access.leaseRequest(job, agent.address) }),
    );
    this.#letGo = () => {
      for (const end of ends) end();
    };
  }

  #take(seats: readonly JobSeat[]): void {
    const isNew = ({ agent: { id } }: JobSeat): boolean => !seats.some((seat) => seat.agent.id === id);
    const kept = this.taken.filter(
      (seat) => isNew(seat) || seats.some(({ isOld, agent }) => isOld && agent.id === seat.agent.id),
    );
    this.taken = [...kept, ...seats.filter(({ isOld }) => !isOld)];
    this.#keepLeases();
  }

  /** Ends the job on all of its agents. @param onUntold Told which cannot be told; they end it by themselves. */
  async end(how: JobEnd, onUntold: (agent: string) => void): Promise<void> {
    this.#letGo();
    await Promise.all(this.taken.map((seat) => endOn(seat, how, onUntold)));
  }

  /** @param over The start is over, and others listen to the agent. */
  #seatOf({ agent, workers }: Grant, over: AbortSignal, { live, signal }: Growth): JobSeat {
    const { access, job } = this.#options;
    const { id, address } = agent;
    const transport = access.connect(id, address);
    const client = new AgentClient({ id, job, transport, answerMs: ANSWER_MS });
    const ask = async (until: AbortSignal): Promise<void> => {
      await (seat.hasJob ? client.renewLease(0, until) : client.probe(until));
    };
    const times = { leaseMs: this.leaseMs, lostMs: LOST_MS };
    const silent = watchStart(`agent ${id}`, ask, times, over);
    const given = AbortSignal.any([signal, silent]);
    const isOld = live.has(id);
    const seat: JobSeat = { agent, client, transport, workers, silent, given, hasJob: isOld, isOld };
    return seat;
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
    const { memoryBytes, mostWorkers = this.workers } = this.#options.flags;
    const asked =
      memoryBytes === undefined ? Number.POSITIVE_INFINITY : Math.floor(memoryBytes / mostWorkers);
    const shares = grants.map(({ agent, workers }) => {
      return Math.floor(agent.memoryBytes / (memoryBytes === undefined ? agent.slots : workers));
    });
    return Math.min(asked, ...shares);
  }

  /** Where all agents of the job are, with those that come. */
  #peers(grants: readonly Grant[]): Readonly<Record<string, string>> {
    const agents = [...this.taken, ...grants].map(({ agent }) => agent);
    return Object.fromEntries(agents.map(({ id, address }) => [id, address]));
  }

  #orders(grants: readonly Grant[], { first, live }: Growth): readonly JobOrder[] {
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
      peers: this.#peers(grants),
    };
    const isMore = true as const;
    let firstWorker = first;
    return grants.map(({ agent, workers }) => {
      const own = live.get(agent.id);
      const memoryBytes = (workers + (own ?? 0)) * memoryBytesPerWorker;
      const order = {
        ...shared,
        workers,
        firstWorker,
        memoryBytes,
        ...(own === undefined ? {} : { isMore }),
      };
      firstWorker += workers;
      return order;
    });
  }
}

/** Does something with all seats at once. @returns The failures. */
async function ofEach(
  seats: readonly JobSeat[],
  act: (seat: JobSeat, i: number) => Promise<void>,
): Promise<readonly Refusal[]> {
  const refusals = seats.map(async (seat, i): Promise<readonly Refusal[]> => {
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

/** Those that did start, where others did not. */
async function giveBack(seats: readonly JobSeat[], orders: readonly JobOrder[]): Promise<void> {
  const back = seats.map(async (seat, i) => {
    const { firstWorker, workers } = orders[i];
    const numbers = Array.from({ length: workers }, (_, at) => firstWorker + at);
    if (seat.isOld) await retireOn(seat, numbers);
    else await endOn(seat, NEVER_STARTED, () => undefined);
  });
  await Promise.all(back);
}

async function retireOn({ client }: JobSeat, workers: readonly number[]): Promise<void> {
  const retire = (signal: AbortSignal) => persist(() => client.retire(workers, 0, signal), signal);
  await withDeadline(END_MS, retire, { name: `agent ${client.id}` }).catch(() => undefined);
}

async function endOn({ client }: JobSeat, how: JobEnd, onUntold: (agent: string) => void): Promise<void> {
  const end = (signal: AbortSignal) => persist(() => client.endJob(how, signal), signal);
  await withDeadline(END_MS, end, { name: `agent ${client.id}` }).catch(() => onUntold(client.id));
}

/** What the agent may still have of the job that had lost it. */
async function endBefore({ client, given }: JobSeat): Promise<void> {
  const end = (until: AbortSignal): Promise<void> => client.endJob(NEVER_STARTED, until);
  await withDeadline(END_MS, end, { name: `agent ${client.id}`, parent: given }).catch((cause) => {
    const message = `Cannot start workers on agent ${client.id}: the job had lost it, and it does not answer`;
    throw new LucioleError(UNREACHABLE, message, { cause, fields: { isRefused: true } });
  });
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
