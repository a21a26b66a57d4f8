/**
 * What faults cost: W1 to W3 without any, beside the same without checksums and second attempts; W2 on three agents of
 * which one is killed half-way; and how soon the loss of a worker or an agent is noticed.
 */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { compareOutputs } from "./compare.ts";
import { FULL, provide, QUICK } from "./data.ts";
import { LocalCluster } from "./local_cluster.ts";
import { type Measurement, measure } from "./measure.ts";
import { markdown, median, seconds } from "./report.ts";
import type { WorkloadOptions } from "./section.ts";
import { luciole, lucioleCommand, WORKLOADS, type Workload } from "./workloads.ts";

const AGENTS = 3;
/** What the agents of a cluster may keep silent for; found out by stopping one of them. */
const DEADLINE_MS = 120_000;

export async function measureFaults(options: WorkloadOptions): Promise<void> {
  const wanted = WORKLOADS.slice(0, 3).filter(
    ({ name }) => options.workloads.length === 0 || options.workloads.includes(name),
  );
  const rows: string[][] = [];
  for (const workload of wanted) rows.push(...(await costOf(workload, options)));
  const head = ["", "without s", "with s", "time", "without CPU s", "with CPU s", "CPU time"];
  print("Tolerance of faults, of which there are none", [head, ...rows]);
  if (options.workloads.length === 0 || options.workloads.includes("W2")) {
    print(`W2 on ${AGENTS} agents, one killed half-way`, await killedHalfWay(options));
  }
  print("From a signal to what the driver knows", await detection(options));
}

/** A row for each form of the workload. */
async function costOf(
  workload: Workload,
  { folder, data, isQuick, rounds }: WorkloadOptions,
): Promise<string[][]> {
  const inputs = provide(data ?? join(folder, "data"), workload.inputs, isQuick ? QUICK : FULL);
  const rows: string[][] = [];
  for (const [form, program] of Object.entries(workload.programs)) {
    const runs: readonly [Measurement[], Measurement[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      const out = join(folder, "out");
      mkdirSync(out);
      const run = (name: string, env: Readonly<Record<string, string>>) =>
        measure([...lucioleCommand(program), ...inputs, join(out, name)], env);
      // Each comes first every other time: what is second finds its input in memory.
      const order = round % 2 === 0 ? [0, 1] : [1, 0];
      for (const i of order) runs[i]?.push(await run(String(i), i === 0 ? { LUCIOLE_FAULTS: "off" } : {}));
      if (round === 0) compareOutputs(join(out, "0"), join(out, "1"), workload.comparison);
      rmSync(out, { recursive: true });
    }
    const wall = runs.map((some) => median(some.map((run) => run.wallSeconds)));
    const cpu = runs.map((some) => median(some.map((run) => run.cpuSeconds)));
    const figures = [wall, cpu].flatMap(([a = 0, b = 0]) => [seconds(a), seconds(b), (b / a).toFixed(3)]);
    rows.push([`${workload.name}, ${form}`, ...figures]);
    console.error(rows.at(-1)?.join(" "));
  }
  return rows;
}

async function killedHalfWay({ folder, data, isQuick }: WorkloadOptions): Promise<string[][]> {
  const [input = ""] = provide(data ?? join(folder, "data"), ["w2.txt"], isQuick ? QUICK : FULL);
  const out = join(folder, "killed");
  mkdirSync(out);
  const timeOf = async (name: string, killAfterMs?: number): Promise<number> => {
    const cluster = await LocalCluster.start(AGENTS, 1);
    try {
      const running = measure([
        ...lucioleCommand("w2", ["--master", cluster.master]),
        input,
        join(out, name),
      ]);
      const killed =
        killAfterMs === undefined ? undefined : after(killAfterMs, () => cluster.kill("agent-1"));
      const { wallSeconds } = await running;
      await killed;
      return wallSeconds;
    } finally {
      await cluster.stop();
    }
  };
  const whole = await timeOf("whole");
  const killed = await timeOf("killed", whole * 500);
  compareOutputs(join(out, "whole"), join(out, "killed"), { kind: "sorted", keyBytes: 10 });
  rmSync(out, { recursive: true });
  return [
    ["", "s"],
    ["undisturbed", seconds(whole)],
    ["one agent killed half-way", seconds(killed)],
    ["what the agent had done by then, a third of a half", seconds(whole / 6)],
  ];
}

async function after(ms: number, act: () => void): Promise<void> {
  await Bun.sleep(ms);
  act();
}

interface Watched {
  readonly cluster: LocalCluster;
  /** Process of a worker of the job, as it told itself. */
  readonly worker: number;
}

async function detection({ folder, rounds }: WorkloadOptions): Promise<string[][]> {
  const times = async (kind: string, act: (watched: Watched) => void): Promise<number[]> => {
    const found: number[] = [];
    for (let i = 0; i < rounds; i++) found.push(await detectedAfter(join(folder, "events"), kind, act));
    return found;
  };
  const exits = await times("attemptLost", ({ worker }) => process.kill(worker, "SIGKILL"));
  const deaths = await times("agentLost", ({ cluster }) => cluster.kill("agent-0"));
  const silences = await times("agentLost", ({ cluster }) => cluster.kill("agent-0", "SIGSTOP"));
  const text = (found: readonly number[]): string => `${median(found).toFixed(0)} ms`;
  return [
    ["", "noticed after"],
    ["a worker is killed", text(exits)],
    ["an agent is killed", text(deaths)],
    ["an agent is stopped (it counts as lost after 10 s)", text(silences)],
  ];
}

/** Runs a job whose tasks wait, does something to it, and looks in its event log for when it was noticed. */
async function detectedAfter(log: string, kind: string, act: (watched: Watched) => void): Promise<number> {
  const cluster = await LocalCluster.start(2, 1);
  const flags = ["--master", cluster.master, "--event-log", log, "--lease", "5s"];
  const child = Bun.spawn([luciole, "run", ...flags, lucioleCommand("waiting_tasks").at(-1) ?? ""], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  try {
    const worker = await firstNumber(child.stdout);
    const at = Date.now();
    act({ cluster, worker });
    return (await timeOf(log, kind)) - at;
  } finally {
    child.kill("SIGTERM");
    await child.exited;
    await cluster.stop();
    rmSync(log, { force: true });
  }
}

async function firstNumber(stream: ReadableStream<Uint8Array>): Promise<number> {
  let text = "";
  for await (const bytes of stream) {
    text += Buffer.from(bytes).toString();
    if (text.includes("\n")) break;
  }
  return Number.parseInt(text, 10);
}

async function timeOf(log: string, kind: string): Promise<number> {
  for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; ) {
    const line = readFileSync(log, "utf8")
      .split("\n")
      .find((one) => one.includes(`"kind":"${kind}"`));
    if (line !== undefined) return Date.parse(JSON.parse(line).time);
    await Bun.sleep(5);
  }
  throw new Error(`There was no ${kind} within ${DEADLINE_MS / 1000} s`);
}

function print(title: string, [head = [], ...rows]: readonly (readonly string[])[]): void {
  const line = head.map((_, i) => (i === 0 ? "---" : "---:"));
  console.log(`\n### ${title}\n\n${markdown([head, line, ...rows])}`);
}
