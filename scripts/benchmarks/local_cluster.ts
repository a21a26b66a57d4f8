/**
 * A cluster on this machine: one master and some agents as processes of the built executable, each with its own
 * directory, on free ports of loopback.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { luciole } from "./workloads.ts";

const START_LIMIT_MS = 20_000;

interface Started {
  readonly name: string;
  readonly process: Bun.Subprocess;
}

export class LocalCluster {
  readonly master: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "luciole-cluster-"));
  readonly #port = freePort();
  readonly #processes: Started[] = [];

  private constructor() {
    this.master = `127.0.0.1:${this.#port}`;
  }

  /** @throws {Error} If they do not find each other in time. */
  static async start(agents: number, slots: number): Promise<LocalCluster> {
    const cluster = new LocalCluster();
    try {
      cluster.#spawn("master", ["--role", "master", "--port", String(cluster.#port)]);
      for (let i = 0; i < agents; i++) cluster.#spawnAgent(`agent-${i}`, slots);
      await cluster.#waitFor(agents);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get agentPids(): readonly number[] {
    return this.#processes.filter(({ name }) => name !== "master").map((started) => started.process.pid);
  }

  get pids(): readonly number[] {
    return this.#processes.map((started) => started.process.pid);
  }

  kill(name: string, signal: "SIGKILL" | "SIGSTOP" = "SIGKILL"): void {
    this.#processes.find((started) => started.name === name)?.process.kill(signal);
  }

  async stop(): Promise<void> {
    for (const { process } of this.#processes) {
      process.kill("SIGTERM");
      process.kill("SIGCONT");
    }
    await Promise.all(this.#processes.map((started) => started.process.exited));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #spawnAgent(name: string, slots: number): void {
    const directory = join(this.#folder, name);
    mkdirSync(directory);
    const place = ["--master", this.master, "--port", "0", "--data-dir", directory];
    this.#spawn(name, ["--role", "agent", "--name", name, ...place, "--slots", String(slots)]);
  }

  #spawn(name: string, args: readonly string[]): void {
    const child = Bun.spawn([luciole, ...args, "--log-level", "warn"], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    this.#processes.push({ name, process: child });
  }

  async #waitFor(agents: number): Promise<void> {
    const deadline = performance.now() + START_LIMIT_MS;
    while (performance.now() < deadline) {
      const ended = this.#processes.find((started) => started.process.exitCode !== null);
      if (ended !== undefined) throw new Error(`${ended.name} has ended at once`);
      const { exitCode, stdout } = Bun.spawnSync([luciole, "status", "--json", "--master", this.master]);
      if (exitCode === 0 && JSON.parse(stdout.toString()).agents.length === agents) return;
    }
    throw new Error(`${agents} agents did not find their master in ${START_LIMIT_MS / 1000} s`);
  }
}

function freePort(): number {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const { port = 0 } = server;
  server.stop(true);
  return port;
}
