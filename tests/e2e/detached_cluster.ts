/**
 * A cluster of real processes for tests of detached drivers, with the verbs that follow them.
 */
import { Cluster, type ClusterOptions } from "./cluster.ts";
import { type CommandOptions, type Finished, LUCIOLE } from "./executable.ts";

/** A job as `luciole jobs --json` shows it. */
export interface ListedJob {
  readonly job: string;
  readonly name: string;
  readonly state: string;
  readonly cause?: string;
  readonly driver: string;
  readonly workers: number;
  readonly detached?: { readonly agent: string; readonly run: number; readonly exitCode?: number };
}

const DEADLINE_MS = 60_000;

export class DetachedCluster implements AsyncDisposable {
  readonly cluster: Cluster;

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  /** Losses are found out soon. */
  static async open(options: ClusterOptions): Promise<DetachedCluster> {
    const { agentFlags = [], masterFlags = [] } = options;
    const quick = {
      agentFlags: ["--heartbeat", "200ms", ...agentFlags],
      masterFlags: ["--heartbeat", "200ms", "--lost-after", "3s", ...masterFlags],
    };
    return new DetachedCluster(await Cluster.open({ ...options, ...quick }));
  }

  luciole(args: readonly string[], options: Pick<CommandOptions, "env" | "onText"> = {}): Promise<Finished> {
    return this.cluster.folder.run([LUCIOLE, ...args], { ...options, env: this.#env(options.env) });
  }

  /** Runs any command with the cluster's address in its environment. */
  command(words: readonly string[], options: Pick<CommandOptions, "env" | "onText"> = {}): Promise<Finished> {
    return this.cluster.folder.run(words, { ...options, env: this.#env(options.env) });
  }

  /** @returns The id of the job. */
  async submit(args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.luciole(["submit", ...args]);
    if (code !== 0 || !/^j[0-9a-f]{12}\n$/.test(stdout)) throw new Error(`${code} ${stdout} ${stderr}`);
    return stdout.trim();
  }

  async jobs(): Promise<readonly ListedJob[]> {
    const { stdout, stderr } = await this.luciole(["jobs", "--json"]);
    try {
      return JSON.parse(stdout);
    } catch {
      throw new Error(stderr);
    }
  }

  /** Waits until a job is listed so. */
  async listed(job: string, is: (listed: ListedJob) => boolean): Promise<ListedJob> {
    for (const deadline = performance.now() + DEADLINE_MS; ; ) {
      const all = await this.jobs();
      const found = all.find((one) => one.job === job);
      if (found !== undefined && is(found)) return found;
      if (performance.now() > deadline) throw new Error(`Waited in vain: ${JSON.stringify(all)}`);
    }
  }

  /** Waits until the last run of a job's driver has printed a text. */
  async reads(job: string, text: string): Promise<void> {
    for (const deadline = performance.now() + DEADLINE_MS; ; ) {
      const { stdout } = await this.luciole(["logs", job]);
      if (stdout.includes(text)) return;
      if (performance.now() > deadline) throw new Error(`Waited in vain for ${text} in:\n${stdout}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
  }

  #env(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    // Where a job runs is told on stderr.
    return { LUCIOLE_MASTER: this.cluster.address, LUCIOLE_QUIET: "0", ...more };
  }
}
