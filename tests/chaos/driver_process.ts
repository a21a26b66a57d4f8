/**
 * A driver that the chaos suite started: what it tells, how it ends, and how far its job is, by what can be seen of it
 * from outside: its words, the trace that it writes of ended attempts, and the directories of the agents.
 */
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { LUCIOLE } from "../e2e/executable.ts";

export interface DriverOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  /** Runs the command in another way, such as on another host. */
  readonly wrap?: (command: readonly string[]) => readonly string[];
  /** It hangs when it takes longer. */
  readonly deadlineMs: number;
}

export interface DriverEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | number | null;
  /** It was killed at the deadline. */
  readonly hung: boolean;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

/** An attempt that ended, as LUCIOLE_TRACE tells. */
export interface TracedAttempt {
  readonly group: number;
  readonly task: number;
  readonly end: "committed" | "failed" | "lost" | "cancelled";
}

let traces = 0;

export class DriverProcess {
  readonly ended: Promise<DriverEnd>;
  readonly pid: number;
  stdout = "";
  stderr = "";
  isThere = true;
  readonly attempts: TracedAttempt[] = [];
  readonly #trace: string;
  #traceAt = 0;
  #traceRest = "";

  constructor({ cwd, env, args, wrap = (command) => command, deadlineMs }: DriverOptions) {
    this.#trace = join(cwd, `trace-${process.pid}-${traces++}.jsonl`);
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("LUCIOLE_"));
    const started = performance.now();
    const child = Bun.spawn([...wrap([LUCIOLE, "run", ...args])], {
      cwd,
      env: { ...Object.fromEntries(inherited), NO_COLOR: "1", LUCIOLE_TRACE: this.#trace, ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.pid = child.pid;
    let hung = false;
    const timer = setTimeout(() => {
      hung = true;
      child.kill("SIGCONT");
      child.kill("SIGKILL");
    }, deadlineMs);
    const read = async (stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> => {
      const decoder = new TextDecoder();
      for await (const piece of stream) take(decoder.decode(piece, { stream: true }));
    };
    const reading = Promise.all([
      read(child.stdout, (text) => {
        this.stdout += text;
      }),
      read(child.stderr, (text) => {
        this.stderr += text;
      }),
    ]);
    this.ended = (async () => {
      await child.exited;
      this.isThere = false;
      await reading;
      clearTimeout(timer);
      const { stdout, stderr } = this;
      const { exitCode: code, signalCode: signal } = child;
      return { code, signal, hung, stdout, stderr, tookMs: performance.now() - started };
    })();
  }

  /** Reads what the trace has got since. */
  look(): void {
    if (!existsSync(this.#trace)) return;
    const file = openSync(this.#trace, "r");
    const bytes = new Uint8Array(64 * 1024);
    for (let read = -1; read !== 0; ) {
      read = readSync(file, bytes, 0, bytes.length, this.#traceAt);
      this.#traceAt += read;
      this.#traceRest += new TextDecoder().decode(bytes.subarray(0, read));
    }
    closeSync(file);
    const lines = this.#traceRest.split("\n");
    this.#traceRest = lines.pop() ?? "";
    for (const line of lines) this.attempts.push(JSON.parse(line) as TracedAttempt);
  }

  /** Different tasks of a group that have committed. */
  committed(group: number): number {
    const tasks = new Set<number>();
    for (const attempt of this.attempts) {
      if (attempt.group === group && attempt.end === "committed") tasks.add(attempt.task);
    }
    return tasks.size;
  }

  /** Resolves with true when the condition holds, with false when the driver has ended before. */
  async until(condition: () => boolean): Promise<boolean> {
    for (;;) {
      this.look();
      if (condition()) return true;
      if (!this.isThere) return false;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
