/**
 * One detached driver on an agent: its process, what it prints, and how it ended.
 *
 * Performs what its states allow (core/agent/driver_life.ts). Knows nothing of HTTP, nor of other drivers.
 */
import { existsSync, mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { DriverLife, type DriverStop } from "../../../core/agent/driver_life.ts";
import type { DriverLoad, DriverState } from "../../../core/cluster/driver_info.ts";
import { variableOf } from "../../../core/program/flag_reader.ts";
import type { DriverOrder, DriverReply, OutputItem } from "../../driver_protocol.ts";
import { WORKER_ENV } from "../../protocol.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { ChildProcess, ProcessExit } from "../../runtime/spawn.ts";
import type { OpenProgram } from "../programs/program_cache.ts";
import { inheritedEnvironment } from "../workers/worker_process.ts";
import { LastLines } from "./driver_cause.ts";
import { DriverOutput } from "./driver_output.ts";
import type { Guardian } from "./guardian.ts";
import { outputOf, writeRecord } from "./past_driver.ts";

export interface DetachedDriverOptions {
  readonly job: string;
  readonly order: DriverOrder;
  readonly runtime: Runtime;
  /** Of this driver alone; made here, deleted with it. */
  readonly directory: string;
  /** Of the agent. */
  readonly socketPath: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly masters: readonly string[];
  readonly onChange: () => void;
  /** Its process is gone. */
  readonly onGone: (driver: DetachedDriver) => void;
  /** Of one that was guarded here until its agent was lost. */
  readonly life?: DriverLife;
  /** Who starts it again when this agent is gone. */
  readonly guardian?: Guardian;
}

/** What it has for its clean-up before it is killed. */
const KILL_MS = 10_000;

export class DetachedDriver {
  readonly order: DriverOrder;
  /** When it ended, by the clock of `performance`. */
  endedAt: number | undefined;
  readonly #options: DetachedDriverOptions;
  readonly #life: DriverLife;
  readonly #output: DriverOutput;
  readonly #lines = new LastLines();
  readonly #since = Date.now();
  readonly #over = Promise.withResolvers<void>();
  #child: ChildProcess | undefined;
  #program: OpenProgram | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #endedTime: number | undefined;
  #exitCode: number | undefined;
  #cause: string | undefined;

  constructor(options: DetachedDriverOptions) {
    this.#options = options;
    this.order = options.order;
    this.#life = options.life ?? new DriverLife(options.job, "starting");
    this.#output = new DriverOutput({ directory: outputOf(options.directory) });
  }

  get isThere(): boolean {
    return this.#life.isThere;
  }

  get state(): DriverState {
    const { state } = this.#life;
    return state === "forgotten" ? "lost" : state;
  }

  get load(): DriverLoad {
    const { name, driver } = this.order;
    const endedAt = this.#endedTime;
    const { guardian: _, ...reply } = this.reply;
    return { ...reply, name, driver, since: this.#since, ...(endedAt === undefined ? {} : { endedAt }) };
  }

  get reply(): DriverReply {
    const { job } = this.#options;
    const [exitCode, cause, guardian] = [this.#exitCode, this.#cause, this.#options.guardian?.agent];
    return {
      job,
      run: this.order.run,
      state: this.state,
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(cause === undefined ? {} : { cause }),
      ...(guardian === undefined ? {} : { guardian }),
    };
  }

  /** The agent that guards it has looked at it. */
  guarded(agent: string): void {
    this.#options.guardian?.heard(agent);
  }

  /** @param program Released when its process is gone. */
  start(program: OpenProgram): void {
    this.#program = program;
    try {
      this.#child = this.#spawn(program);
    } catch (error) {
      // A disk that is full, say: told as a process that cannot be started is.
      void this.#exited({ error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  #spawn(program: OpenProgram): ChildProcess {
    const { runtime, directory, order } = this.#options;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#record();
    // Paths that are relative to a directory which only the client's machine has are not found here.
    const isHere = existsSync(order.workingDirectory);
    return runtime.spawn({
      command: [...program.command, ...order.args],
      environment: this.#environment(program),
      workingDirectory: isHere ? order.workingDirectory : directory,
      onStdout: () => undefined,
      onStderr: (line) => this.#lines.add(line),
      onBytes: (stream, bytes) => this.#output.write(stream, bytes, Date.now()).catch(() => undefined),
      onExit: (exit) => void this.#exited(exit),
    });
  }

  /** Its process has asked what to show to others. */
  seen(): void {
    this.#life.seen(performance.now());
    this.#options.onChange();
  }

  /** Resolves when its process is gone. */
  async stop(why: DriverStop): Promise<void> {
    if (this.#life.stop(why, performance.now())) {
      this.#child?.kill("SIGTERM");
      this.#timer = setTimeout(() => this.#child?.kill("SIGKILL"), KILL_MS);
      this.#options.onChange();
    }
    if (this.#life.isThere) await this.#over.promise;
  }

  /** Without waiting. */
  kill(): void {
    this.#child?.kill("SIGKILL");
  }

  async *read(from: number, isFollowed: boolean, signal: AbortSignal): AsyncGenerator<OutputItem> {
    yield* this.#output.read(from, isFollowed, signal);
    if (!this.isThere && !signal.aborted) yield { kind: "ended", reply: this.reply };
  }

  /** Nobody can ask for it any more. */
  async forget(): Promise<void> {
    this.#life.forget(performance.now());
    await this.#output.delete();
    // With what it wrote there itself, where the client's directory is not.
    await rm(this.#options.directory, { recursive: true, force: true });
  }

  async #exited(exit: ProcessExit): Promise<void> {
    clearTimeout(this.#timer);
    const ended = this.#lines.exitOf(exit);
    this.#cause = this.#life.exited(ended, performance.now());
    this.#exitCode = ended.exitCode;
    this.#endedTime = Date.now();
    this.endedAt = performance.now();
    this.#program?.release();
    this.#options.guardian?.end();
    this.#record();
    await this.#output.end();
    this.#over.resolve();
    this.#options.onGone(this);
  }

  /** For the agent's process after this one. */
  #record(): void {
    const isGuarded = this.#options.guardian !== undefined;
    writeRecord(this.#options.directory, { load: this.load, isGuarded });
  }

  #environment(program: OpenProgram): Record<string, string> {
    const { job, order, socketPath, environment, masters } = this.#options;
    const flags = Object.entries(order.flags).map(([name, text]) => [variableOf(name), text] as const);
    return {
      ...inheritedEnvironment(environment),
      ...order.environment,
      ...Object.fromEntries(flags),
      ...program.environment,
      [variableOf("master")]: masters.join(","),
      [WORKER_ENV.socket]: socketPath,
      [WORKER_ENV.detached]: job,
      [WORKER_ENV.script]: order.script,
    };
  }
}
