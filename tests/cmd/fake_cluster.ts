/** A cluster of plain values, for the verbs that ask one. */
import type { ClusterPort, Shown, Terminal } from "../../cmd/cluster/port.ts";
import type { AgentInfo, AgentView, ClusterJob, ClusterView } from "../../core/cluster/agent_info.ts";
import { LucioleError } from "../../core/errors.ts";
import type { LogEntry } from "../../net/agent/workers/job_logs.ts";
import type { OutputItem } from "../../net/driver_protocol.ts";

export const NOW = Date.UTC(2026, 0, 1, 12);

export function agentView(
  id: string,
  changes: Partial<AgentInfo> & Partial<Omit<AgentView, "agent">> = {},
): AgentView {
  const { state = "alive", silentMs = 100, promisedSlots = 0, load, ...agent } = changes;
  return {
    agent: {
      id,
      incarnation: `i-${id}`,
      address: `${id}:7401`,
      dataCenter: "default",
      rack: "default",
      host: id,
      labels: {},
      version: "1.0.0",
      platform: "linux-x64",
      slots: 4,
      memoryBytes: 8 * 2 ** 30,
      diskBytes: 100 * 2 ** 30,
      ...agent,
    },
    load: load ?? { freeSlots: 3, freeMemoryBytes: 2 ** 30, freeDiskBytes: 50 * 2 ** 30, jobs: [] },
    state,
    silentMs,
    promisedSlots,
  };
}

export function clusterJob(job: string, changes: Partial<ClusterJob> = {}): ClusterJob {
  return {
    job,
    name: "count",
    program: "count.ts",
    driver: "ann@laptop",
    state: "running",
    since: NOW - 65_000,
    workers: 2,
    agents: [{ agent: "a1", workers: 2 }],
    ...changes,
  };
}

export class FakeCluster implements ClusterPort {
  readonly address = "m1:7400";
  readonly ended: string[] = [];
  #view: ClusterView;
  readonly #jobs: readonly ClusterJob[];
  /** What each agent answers to the first, second … request for lines; then it has no such job. */
  readonly #lines: FakeLines;
  readonly #asked = new Map<string, number>();

  constructor(agents: readonly AgentView[], jobs: readonly ClusterJob[] = [], lines: FakeLines = {}) {
    this.#view = { master: { id: "m1", version: "1.0.0", uptimeMs: 7_260_000 }, agents };
    this.#jobs = jobs;
    this.#lines = lines;
  }

  cluster = async (): Promise<ClusterView> => this.#view;
  /** From now on. */
  show(agents: readonly AgentView[]): void {
    this.#view = { ...this.#view, agents };
  }
  jobs = async (): Promise<readonly ClusterJob[]> => this.#jobs;

  logs = async ({ id }: AgentInfo, job: string): Promise<readonly LogEntry[]> => {
    const count = this.#asked.get(id) ?? 0;
    this.#asked.set(id, count + 1);
    const answer = this.#lines[id]?.[count];
    if (answer === undefined) throw new LucioleError("not-found", `Cannot find job ${job}`);
    if (answer === "broken") throw new LucioleError("unreachable", `Cannot ask agent ${id}`);
    return answer;
  };

  /** Of every detached driver. */
  printed: readonly OutputItem[] = [];
  async *output(): AsyncGenerator<OutputItem> {
    yield* this.printed;
  }

  follow = async (job: string, { write, warn }: Shown): Promise<void> => {
    warn(`(job ${job} was started again on agent a2)`);
    await write("stdout", new TextEncoder().encode("all of it\n"), NOW);
  };

  endDriver = async ({ id, address }: AgentInfo, job: string, by: string): Promise<void> => {
    if (address === "unreachable:1") throw new LucioleError("unreachable", "nothing listens there");
    this.ended.push(`driver ${id} ${job} ${by}`);
  };

  endJob = async ({ id, address }: AgentInfo, job: string, by: string): Promise<void> => {
    if (address === "unreachable:1") throw new LucioleError("unreachable", "nothing listens there");
    this.ended.push(`${id} ${job} ${by}`);
  };
}

export type FakeLines = Readonly<Record<string, readonly (readonly LogEntry[] | "broken")[]>>;

export interface FakeTerminal extends Terminal {
  readonly lines: string[];
  readonly warnings: string[];
}

export function fakeTerminal(changes: Partial<Pick<Terminal, "width" | "isJson">> = {}): FakeTerminal {
  const lines: string[] = [];
  const warnings: string[] = [];
  return {
    width: 80,
    isJson: false,
    user: "ann@laptop",
    ...changes,
    now: () => NOW,
    write: async (bytes) => void lines.push(new TextDecoder().decode(bytes)),
    print: (line) => void lines.push(line),
    warn: (line) => void warnings.push(line),
    lines,
    warnings,
  };
}
