/**
 * Hands a driver over to the cluster: finds an agent that runs it, brings it the program, and tells how to follow it.
 */
import { resolve } from "node:path";
import process from "node:process";
import type { AgentView } from "../../../core/cluster/agent_info.ts";
import {
  CancelledError,
  LucioleError,
  NotEnoughResourcesError,
  ProgramMissingError,
} from "../../../core/errors.ts";
import { EXIT } from "../../../core/program/exit_codes.ts";
import type { ClusterFlags, Detach, RunFlags } from "../../../core/program/run_flags.ts";
import type { DriverOrder } from "../../driver_protocol.ts";
import { pause } from "../../pause.ts";
import { host } from "../../program/host.ts";
import { localProgram } from "../../program/local_program.ts";
import { shipProgram } from "../../program/ship.ts";
import type { Transport } from "../../protocol.ts";
import { userAtHost } from "../../runtime/machine.ts";
import { AgentClient } from "../agents/agent_client.ts";
import { watchStart } from "../agents/start_watch.ts";
import { driverEnvironment } from "../agents/worker_environment.ts";
import { type ClusterAccess, openClusterAccess } from "../cluster/cluster_access.ts";
import { isPassedOver, isUnreachable, patientWith } from "../cluster/seats.ts";
import { newJobId, programName } from "../job_name.ts";
import { DetachedClient } from "./detached_client.ts";
import { followDriver, masterFlag } from "./follow.ts";

const AGAIN_MS = 1_000;
/** An agent that answers nothing for so long is passed over. */
const LOST_MS = 10_000;

/** @returns The exit code: of the job, when it is followed. */
export async function submitDriver(
  flags: RunFlags,
  detach: Detach,
  args: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const { cluster } = flags;
  if (cluster === undefined) throw new LucioleError("internal", "Cannot detach: no cluster is named");
  const access = await openClusterAccess(cluster);
  await localProgram();
  const submission = new Submission({ access, cluster, signal });
  const { job, agent } = await submission.run((program) => orderOf(program, detach, args));
  if (flags.isJson) process.stdout.write(`${JSON.stringify({ job, agent })}\n`);
  else if (!detach.follows) process.stdout.write(`${job}\n`);
  if (!flags.isQuiet && !flags.isJson) {
    const more = detach.follows ? "" : `; follow it: luciole attach${masterFlag(cluster.masters)} ${job}`;
    process.stderr.write(`Job ${job} runs on agent ${agent}${more}\n`);
  }
  const { masters } = cluster;
  return detach.follows
    ? await followDriver({ access, masters, job, isFromBeginning: true, signal })
    : EXIT.ok;
}

function orderOf(program: DriverOrder["program"], detach: Detach, args: readonly string[]): DriverOrder {
  const script = host.program ?? process.argv[1] ?? process.execPath;
  return {
    program,
    script,
    args,
    flags: withWholePaths(detach.flags),
    environment: driverEnvironment(),
    workingDirectory: process.cwd(),
    name: programName(script),
    driver: userAtHost(),
    run: 1,
  };
}

/** Flags that name files: the agent may start the driver elsewhere. */
const PATHS = ["checkpoint", "event-log"];

function withWholePaths(flags: Detach["flags"]): Detach["flags"] {
  const whole = PATHS.flatMap((name) => (flags[name] === undefined ? [] : [[name, resolve(flags[name])]]));
  return { ...flags, ...Object.fromEntries(whole) };
}

interface SubmissionOptions {
  readonly access: ClusterAccess;
  readonly cluster: ClusterFlags;
  readonly signal: AbortSignal;
}

/** What runs, and where. */
interface Submitted {
  readonly job: string;
  readonly agent: string;
}

export class Submission {
  readonly #options: SubmissionOptions;
  #job = newJobId();
  #told = "";

  constructor(options: SubmissionOptions) {
    this.#options = options;
  }

  async run(order: (program: DriverOrder["program"]) => DriverOrder): Promise<Submitted> {
    const { access, cluster, signal } = this.#options;
    const onNotice = (text: string): void => this.#tell(text);
    const patiently = patientWith({ isPatient: cluster.isPatient, signal, onNotice });
    for (;;) {
      signal.throwIfAborted();
      const { agents } = await patiently(() => access.master.cluster());
      const allowed = agents.filter((view) => view.state === "alive" && isAllowed(view, cluster));
      const refusals: string[] = [];
      for (const { agent } of withRoom(allowed)) {
        try {
          await this.#startOn(agent.id, agent.address, order);
          return { job: this.#job, agent: agent.id };
        } catch (error) {
          signal.throwIfAborted();
          if (!isPassedOver(error)) throw error;
          refusals.push(error.message);
        }
      }
      const why = whyNot(allowed, refusals);
      if (!cluster.isPatient || allowed.length === 0) {
        throw new NotEnoughResourcesError(`Cannot detach the driver: ${why}`);
      }
      this.#tell(`waiting: ${why}`);
      await pause(AGAIN_MS, signal);
    }
  }

  async #startOn(
    id: string,
    address: string,
    order: (program: DriverOrder["program"]) => DriverOrder,
  ): Promise<void> {
    const { access, signal } = this.#options;
    const transport = access.connect(id, address);
    const over = new AbortController();
    const given = AbortSignal.any([signal, this.#silenceOf(id, transport, over.signal)]);
    const client = new DetachedClient({ id, address, transport }, this.#job);
    const program = await localProgram();
    let isAsked = false;
    const start = async (): Promise<void> => {
      const sent = await shipProgram(transport, program, { agent: id, signal: given });
      isAsked = true;
      await client.start(order(sent), given);
    };
    try {
      // Others may take its place in the cache before it starts.
      await start().catch((error) => {
        if (!(error instanceof ProgramMissingError)) throw error;
        return start();
      });
    } catch (cause) {
      const error = given.aborted ? given.reason : cause;
      // Nobody knows whether it was heard, and no other agent may run it too.
      if (isAsked && (isUnreachable(error) || signal.aborted)) {
        await client.end("its client, which went before it was started").catch(() => undefined);
        // That agent, which may hear of it later, is not to start what another one runs then.
        this.#job = newJobId();
      }
      throw signal.aborted ? new CancelledError("The driver was not detached: it was cancelled") : error;
    } finally {
      over.abort();
    }
  }

  /** Aborted when an agent stands still: others may run the driver. */
  #silenceOf(id: string, transport: Transport, over: AbortSignal): AbortSignal {
    const client = new AgentClient({ id, job: this.#job, transport });
    const ask = (until: AbortSignal): Promise<void> => client.probe(until);
    return watchStart(`agent ${id}`, ask, { leaseMs: LOST_MS, lostMs: LOST_MS }, over);
  }

  #tell(text: string): void {
    if (text !== this.#told) process.stderr.write(`${text}\n`);
    this.#told = text;
  }
}

function isAllowed({ agent }: AgentView, { dataCenter, rack, labels = {} }: ClusterFlags): boolean {
  if (dataCenter !== undefined && agent.dataCenter !== dataCenter) return false;
  if (rack !== undefined && agent.rack !== rack) return false;
  return Object.entries(labels).every(([name, text]) => agent.labels[name] === text);
}

/** Those with the most room first. */
function withRoom(agents: readonly AgentView[]): readonly AgentView[] {
  const room = ({ load }: AgentView): number => load.freeDrivers ?? 0;
  return agents
    .filter((view) => room(view) > 0)
    .toSorted((a, b) => room(b) - room(a) || b.load.freeMemoryBytes - a.load.freeMemoryBytes);
}

function whyNot(allowed: readonly AgentView[], refusals: readonly string[]): string {
  if (allowed.length === 0) return "the cluster has no agent that may run it";
  const [first] = refusals;
  if (first !== undefined) return first;
  return `no agent has room for a driver (--drivers of ${allowed.length} agent${allowed.length === 1 ? "" : "s"})`;
}
