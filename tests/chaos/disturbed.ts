/**
 * A job that is to be disturbed: its cluster, its data, its output, and what must hold in the end whatever struck it.
 */
import { mkdirSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { Cluster, type ClusterOptions } from "../e2e/cluster.ts";
import { courseOf } from "./course.ts";
import { DriverProcess } from "./driver_process.ts";
import type { Report, Undisturbed } from "./report.ts";
import { judge } from "./verdict.ts";
import { readWritten, type Workload, writeSmallData } from "./workload.ts";

const DEADLINE_MS = 150_000;

export interface DisturbedOptions extends ClusterOptions {
  readonly workload: Workload;
  readonly undisturbed: Undisturbed;
  /** How many times as much data as the smallest. */
  readonly size: number;
  /** Runs the driver in another way, such as on another host. */
  readonly wrapDriver?: (command: readonly string[]) => readonly string[];
}

/** What a plan of faults does while the job runs. */
export interface Attack {
  readonly mark: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  readonly mustSucceed: boolean;
  /** What the first line of a failure may name. */
  readonly names: RegExp;
  /** Strikes. @returns How often it struck and missed, once all that was struck is there again. */
  readonly strike: (driver: DriverProcess) => Promise<Struck>;
}

interface Struck {
  readonly struck: number;
  readonly missed: number;
  /** The driver was killed. */
  readonly isKilled?: boolean;
}

export class Disturbed {
  readonly cluster: Cluster;
  readonly story: string[] = [];
  readonly #options: DisturbedOptions;
  readonly #splitBytes: number;
  #outputs = 0;

  constructor(cluster: Cluster, options: DisturbedOptions) {
    this.cluster = cluster;
    this.#options = options;
    mkdirSync(this.results);
    this.#splitBytes = writeSmallData(join(cluster.folder.path, "in.txt"), options.size);
  }

  /** Where outputs are. */
  get results(): string {
    return join(this.cluster.folder.path, "results");
  }

  nextOutput(): string {
    return join(this.results, `out${this.#outputs++}`);
  }

  /** @param mark Makes the program another one, which the agents do not have. */
  start(
    output: string,
    { mark, env = {}, flags = [] }: Pick<Attack, "mark" | "env" | "flags">,
  ): DriverProcess {
    const { folder, address } = this.cluster;
    const { workload, wrapDriver } = this.#options;
    const program = `job-${mark}.ts`;
    folder.write(program, `// ${mark}\n${workload.source}`);
    return new DriverProcess({
      cwd: folder.path,
      env: {
        LUCIOLE_MASTER: address,
        LUCIOLE_QUIET: "1",
        TMPDIR: folder.scratch,
        XDG_CACHE_HOME: folder.scratch,
        ...this.#options.env,
        ...env,
      },
      args: [...flags, program, "in.txt", output, `${this.#splitBytes}`],
      ...(wrapDriver && { wrap: wrapDriver }),
      deadlineMs: DEADLINE_MS,
    });
  }

  /** Runs the job under an attack to its end, and looks at what came of it. */
  async run(attack: Attack): Promise<Omit<Report, "story">> {
    const { written } = this.#options.undisturbed;
    const output = this.nextOutput();
    const driver = this.start(output, attack);
    const striking = attack.strike(driver);
    const end = await driver.ended;
    const { struck, missed, isKilled = false } = await striking;
    const { mustSucceed, names } = attack;
    this.story.push(`the driver ended after ${(end.tookMs / 1000).toFixed(1)} s`);
    let wrong = judge({ end, written: readWritten(output), isKilled, mustSucceed, names }, written);
    wrong ??= isKilled ? await this.#afterKill(output) : this.#leftBeside(output);
    if (wrong !== undefined) this.story.push(...end.stderr.trimEnd().split("\n"));
    const how = end.code === 0 ? "done" : isKilled ? "killed" : "failed";
    return { end: how, struck, missed, ...(wrong === undefined ? {} : { wrong }) };
  }

  /** Where a driver was killed the next run sweeps what it staged, and all is as if it had never been. */
  async #afterKill(output: string): Promise<string | undefined> {
    await this.cluster.settled();
    if (readWritten(output) !== undefined) return undefined;
    const end = await this.start(output, { mark: "again" }).ended;
    const outcome = { end, written: readWritten(output), isKilled: false, mustSucceed: true, names: /./ };
    const wrong = judge(outcome, this.#options.undisturbed.written) ?? this.#leftBeside(output);
    return wrong === undefined ? undefined : `the run after a killed driver: ${wrong}`;
  }

  #leftBeside(output: string): string | undefined {
    const left = readdirSync(this.results).filter((name) => name.startsWith(`.${basename(output)}.`));
    return left.length > 0 ? `files are left beside the output: ${left}` : undefined;
  }
}

/** Opens a cluster, lets something happen there, closes it, and tells what was wrong, leaks included. */
export async function disturb(
  options: DisturbedOptions,
  act: (disturbed: Disturbed) => Promise<Omit<Report, "story">>,
): Promise<Report> {
  let report: Omit<Report, "story"> | undefined;
  const story: string[] = [];
  try {
    await using cluster = await Cluster.open({ slots: 1, ...options });
    const disturbed = new Disturbed(cluster, options);
    try {
      report = await act(disturbed);
    } finally {
      story.push(...disturbed.story);
    }
    if (report.wrong !== undefined) story.push(...lastWords(cluster));
  } catch (error) {
    // What is left afterwards, or a role that does not start again.
    const what = error instanceof Error ? error.message : String(error);
    return { end: "failed", struck: 0, missed: 0, ...report, wrong: report?.wrong ?? what, story };
  }
  return { ...report, story };
}

function lastWords(cluster: Cluster): readonly string[] {
  const roles = [...cluster.agents, ["master", cluster.master] as const];
  return roles.flatMap(([name, { told }]) => [`${name} told:`, ...told.trimEnd().split("\n").slice(-8)]);
}

const NOTHING: Undisturbed = { written: { sha256: "", files: 0 }, course: [] };

/** Runs a workload on a cluster of as many agents, and disturbs nothing. */
export async function runUndisturbed(workload: Workload, size: number, agents: number): Promise<Undisturbed> {
  await using cluster = await Cluster.open({ agents, slots: 1 });
  const disturbed = new Disturbed(cluster, { workload, size, undisturbed: NOTHING });
  const output = disturbed.nextOutput();
  const driver = disturbed.start(output, { mark: "undisturbed" });
  const end = await driver.ended;
  const written = readWritten(output);
  if (end.code !== 0 || written === undefined) throw new Error(`The undisturbed run: ${end.stderr}`);
  return { written, course: courseOf(driver) };
}
