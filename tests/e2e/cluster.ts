/**
 * A cluster of real processes on this machine: a master and agents of the built executable, each with a directory of
 * its own, and programs that run on it. Closing it checks that nothing is left.
 *
 * All of them have a scratch folder of the cluster as TMPDIR, and workers inherit it: by it their processes are found.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type CommandOptions, type Finished, Folder, LUCIOLE } from "./executable.ts";

export interface ClusterOptions {
  readonly agents?: number;
  /** Of each agent. */
  readonly slots?: number;
  readonly files?: Readonly<Record<string, string>>;
  /** More of each agent's command line. */
  readonly agentFlags?: readonly string[];
  readonly masterFlags?: readonly string[];
  /** Runs a role's command in another way, such as on another host. */
  readonly wrap?: (role: string, command: readonly string[]) => readonly string[];
  /** Environment of every process. */
  readonly env?: Readonly<Record<string, string>>;
}

type Child = ReturnType<typeof Bun.spawn>;

/** A role that runs: its process, and what it tells. */
export class RoleProcess {
  readonly name: string;
  readonly child: Child;
  readonly reading: Promise<void>;
  told = "";
  #onTold: (() => void) | undefined;

  constructor(
    name: string,
    command: readonly string[],
    options: { cwd: string; env: Record<string, string> },
  ) {
    this.name = name;
    const child = Bun.spawn([...command], { ...options, stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    this.child = child;
    this.reading = this.#read(child.stderr);
  }

  get isThere(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves with the match once the role has told it. */
  async tells(pattern: RegExp): Promise<RegExpExecArray> {
    for (const deadline = performance.now() + DEADLINE_MS; ; ) {
      const match = pattern.exec(this.told);
      if (match !== null) return match;
      if (!this.isThere || performance.now() > deadline) {
        throw new Error(`Waited in vain for ${this.name} to tell ${pattern}; it told:\n${this.told}`);
      }
      await new Promise<void>((resolve) => {
        this.#onTold = resolve;
        setTimeout(resolve, 100);
      });
    }
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    await this.child.exited;
    await this.reading;
    return this.child.exitCode;
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const piece of stream) {
      this.told += decoder.decode(piece, { stream: true });
      this.#onTold?.();
    }
    this.#onTold?.();
  }
}

const DEADLINE_MS = 60_000;

export class Cluster implements AsyncDisposable {
  readonly folder: Folder;
  readonly agents = new Map<string, RoleProcess>();
  /** Masters beside the first, and agents that are to be refused. */
  readonly others: RoleProcess[] = [];
  readonly #options: ClusterOptions;
  readonly #ports = new Map<string, string>();
  #master: RoleProcess | undefined;
  #address = "";

  private constructor(options: ClusterOptions) {
    this.#options = options;
    this.folder = new Folder(options.files);
  }

  static async open(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = new Cluster(options);
    try {
      await cluster.startMaster();
      const names = Array.from({ length: options.agents ?? 3 }, (_, i) => `a${i}`);
      await Promise.all(names.map((name) => cluster.startAgent(name)));
      return cluster;
    } catch (error) {
      await cluster.#kill();
      throw error;
    }
  }

  /** "host:port". */
  get address(): string {
    return this.#address;
  }

  get master(): RoleProcess {
    if (this.#master === undefined) throw new Error("There is no master");
    return this.#master;
  }

  /** Starts the master, again on the port that it had. */
  async startMaster(): Promise<void> {
    const port = this.#address === "" ? "0" : this.#address.split(":")[1];
    const flags = ["--port", port, "--name", "m1", ...(this.#options.masterFlags ?? [])];
    this.#master = this.#start("master", "master", flags);
    const [, address] = await this.#master.tells(/listens on (\S+)/);
    this.#address = address;
  }

  /** Starts an agent, again on the port that it had, and waits until the master knows it. */
  async startAgent(name: string): Promise<void> {
    const { slots = 1, agentFlags = [] } = this.#options;
    const flags = [
      "--port",
      this.#ports.get(name) ?? "0",
      "--name",
      name,
      "--slots",
      `${slots}`,
      "--memory",
      "1GiB",
    ];
    const places = ["--data-dir", this.directoryOf(name), "--master", this.#address];
    const agent = this.#start(name, "agent", [...flags, ...places, ...agentFlags]);
    this.agents.set(name, agent);
    const [, port] = await agent.tells(/listens on \S+:(\d+)/);
    this.#ports.set(name, port);
    await agent.tells(/knows this agent/);
  }

  /** Starts a role that the cluster does without. */
  startOther(name: string, role: "master" | "agent", flags: readonly string[]): RoleProcess {
    const other = this.#start(name, role, flags);
    this.others.push(other);
    return other;
  }

  agent(name: string): RoleProcess {
    const agent = this.agents.get(name);
    if (agent === undefined) throw new Error(`There is no agent ${name}`);
    return agent;
  }

  directoryOf(agent: string): string {
    return join(this.folder.scratch, "agents", agent);
  }

  /** Runs a program on the cluster, in its folder. */
  run(
    args: readonly string[],
    options: Pick<CommandOptions, "env" | "onText" | "deadlineMs"> = {},
  ): Promise<Finished> {
    const env = { LUCIOLE_MASTER: this.#address, LUCIOLE_QUIET: "1", ...this.#env(), ...options.env };
    return this.folder.run([LUCIOLE, "run", ...args], { ...options, env });
  }

  /** The same on this machine alone. */
  runLocally(args: readonly string[], workers = 2): Promise<Finished> {
    const env = { LUCIOLE_QUIET: "1", LUCIOLE_DATA: join(this.folder.scratch, "local") };
    return this.folder.run([LUCIOLE, "run", "--workers", `${workers}`, ...args], { env });
  }

  /** Waits until no worker and no file of a job is left. @throws {Error} Naming what is left in the end. */
  async settled(): Promise<void> {
    let left = this.#left();
    for (const deadline = performance.now() + DEADLINE_MS; left.length > 0; left = this.#left()) {
      if (performance.now() > deadline) throw new Error(`What is left of jobs: ${left.join(", ")}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Ends all roles, and checks that nothing is left of them either. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.settled();
      const master = this.#master === undefined ? [] : [this.#master];
      const roles = [...this.agents.values(), ...this.others, ...master];
      const codes = await Promise.all(
        roles.map(async (role) => (role.isThere ? await role.end("SIGTERM") : 0)),
      );
      if (codes.some((code) => code !== 0)) throw new Error(`Roles ended with ${codes}`);
      const left = [...processesOf(this.folder.scratch), ...this.#filesOfAgents(/./)];
      if (left.length > 0) throw new Error(`What is left of the cluster: ${left.join(", ")}`);
    } finally {
      await this.#kill();
    }
  }

  /** Workers, and drivers, and what is in the directories of jobs. */
  #left(): readonly string[] {
    const roles = [this.#master, ...this.agents.values(), ...this.others].map((role) => `${role?.child.pid}`);
    const processes = processesOf(this.folder.scratch).filter((pid) => !roles.includes(pid));
    return [
      ...processes.map((pid) => `process ${pid} ${commandOf(pid)}`),
      ...this.#filesOfAgents(/^(?!agent-)/),
    ];
  }

  #filesOfAgents(pattern: RegExp): readonly string[] {
    return [...this.agents].flatMap(([name, { child }]) => {
      const jobs = join(this.directoryOf(name), "jobs");
      // What a killed one left is deleted when it comes again.
      if (!existsSync(jobs) || child.signalCode === "SIGKILL") return [];
      return readdirSync(jobs, { recursive: true })
        .map(String)
        .filter((file) => pattern.test(file))
        .map((file) => join(name, file));
    });
  }

  #start(name: string, role: "master" | "agent", flags: readonly string[]): RoleProcess {
    const { wrap = (_, command) => command } = this.#options;
    mkdirSync(join(this.folder.scratch, "agents"), { recursive: true });
    const command = wrap(name, [LUCIOLE, "--role", role, ...flags]);
    const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith("LUCIOLE_"));
    const env = { ...Object.fromEntries(inherited), ...this.#env(), TMPDIR: this.folder.scratch };
    return new RoleProcess(name, command, { cwd: this.folder.path, env: env as Record<string, string> });
  }

  #env(): Readonly<Record<string, string>> {
    return this.#options.env ?? {};
  }

  async #kill(): Promise<void> {
    for (const pid of processesOf(this.folder.scratch)) {
      try {
        process.kill(Number(pid), "SIGKILL");
      } catch {
        // It went by itself.
      }
    }
    await Promise.all([...this.agents.values(), this.#master].map((role) => role?.child.exited));
    this.folder[Symbol.dispose]();
  }
}

/** Ids of the processes whose environment names a folder. */
export function processesOf(mark: string): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").includes(mark);
    } catch {
      return false;
    }
  });
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
