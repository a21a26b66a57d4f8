/**
 * What a cluster costs: workloads on two agents of this machine beside local mode with as many workers, in turn,
 * with outputs compared; and the small figures of starting, tasks and doing nothing.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { compareOutputs } from "./compare.ts";
import { FULL, provide, QUICK } from "./data.ts";
import { LocalCluster } from "./local_cluster.ts";
import { bytesOf, cpuSecondsOf, type Measurement, measure } from "./measure.ts";
import { markdown, median, seconds } from "./report.ts";
import type { WorkloadOptions } from "./section.ts";
import { measureStream } from "./stream.ts";
import { luciole, lucioleCommand, WORKLOADS, type Workload } from "./workloads.ts";

const AGENTS = 2;
const STARTS = 7;
const TASKS = 10_000;
const IDLE_SECONDS = 10;
const STREAM_BYTES = 1e9;

export async function measureCluster(options: WorkloadOptions): Promise<void> {
  const cluster = await LocalCluster.start(AGENTS, 1);
  try {
    const idle = await measureIdle(cluster, options.isQuick ? 1 : IDLE_SECONDS);
    const rows: string[][] = [];
    for (const workload of WORKLOADS.slice(0, 3)) {
      const isWanted = options.workloads.length === 0 || options.workloads.includes(workload.name);
      if (isWanted) rows.push(...(await compareWorkload(workload, cluster, options)));
    }
    const head = ["", "local s", "cluster s", "time", "local CPU s", "cluster CPU s", "CPU time"];
    console.log(`\n### ${AGENTS} agents with one slot each beside ${AGENTS} local workers\n`);
    console.log(markdown([head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...rows]));
    const small = [...(await measureSmall(cluster, options)), ...idle];
    console.log(`\n### Small figures of the cluster\n`);
    console.log(markdown([["", ""], ["---", "---:"], ...small]));
  } finally {
    await cluster.stop();
  }
}

/** A row for each form of the workload. */
async function compareWorkload(
  workload: Workload,
  cluster: LocalCluster,
  { folder, data, isQuick, rounds }: WorkloadOptions,
): Promise<string[][]> {
  const inputs = provide(data ?? join(folder, "data"), workload.inputs, isQuick ? QUICK : FULL);
  const rows: string[][] = [];
  for (const [form, program] of Object.entries(workload.programs)) {
    const local: Measurement[] = [];
    const remote: Measurement[] = [];
    for (let round = 0; round < rounds; round++) {
      const out = join(folder, "out");
      mkdirSync(out);
      const run = (name: string, flags: readonly string[]) =>
        measure([...lucioleCommand(program, flags), ...inputs, join(out, name)]);
      local.push(await run("local", ["--workers", String(AGENTS)]));
      const before = cpuOf(cluster);
      const one = await run("cluster", ["--master", cluster.master]);
      remote.push({ ...one, cpuSeconds: one.cpuSeconds + cpuOf(cluster) - before });
      if (round === 0) compareOutputs(join(out, "local"), join(out, "cluster"), workload.comparison);
      rmSync(out, { recursive: true });
    }
    const wall = [local, remote].map((runs) => median(runs.map((run) => run.wallSeconds)));
    const cpu = [local, remote].map((runs) => median(runs.map((run) => run.cpuSeconds)));
    const figures = [wall, cpu].flatMap(([a, b]) => [seconds(a), seconds(b), (b / a).toFixed(2)]);
    rows.push([`${workload.name}, ${form}`, ...figures]);
    console.error(rows.at(-1)?.join(" "));
  }
  return rows;
}

function cpuOf(cluster: LocalCluster): number {
  return cluster.pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
}

async function measureSmall(
  { master }: LocalCluster,
  { folder, isQuick }: WorkloadOptions,
): Promise<string[][]> {
  const flags = ["--master", master];
  const script = await startsOf(lucioleCommand("first_task", flags));
  const executable = join(folder, "first_task");
  await measure([luciole, "compile", lucioleCommand("first_task").at(-1) ?? "", "--out", executable]);
  const compiled = await startsOf([executable], { LUCIOLE_MASTER: master });
  const tasks = isQuick ? TASKS / 50 : TASKS;
  const { stdout } = await measure([...lucioleCommand("empty_tasks", flags), String(tasks)]);
  const rate = tasks / (median(stdout.trim().split("\n").map(Number)) / 1000);
  const stream =
    (await measureStream(join(folder, "stream"), isQuick ? STREAM_BYTES / 50 : STREAM_BYTES)) / 1e9;
  rmSync(join(folder, "stream"), { recursive: true });
  return [
    ["warm script job, command to first task", `${script.toFixed(0)} ms`],
    ["warm job of an executable, command to first task", `${compiled.toFixed(0)} ms`],
    [`empty tasks, ${tasks} in a warm job`, `${rate.toFixed(0)}/s`],
    ["one stream of a shard over loopback", `${stream.toFixed(2)} GB/s`],
  ];
}

/** The median time from launch to the first task, when agents know the program. */
async function startsOf(command: readonly string[], env?: Readonly<Record<string, string>>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i <= STARTS; i++) {
    const { stdout } = await measure([...command, String(Date.now())], env);
    if (i > 0) times.push(Number(stdout));
  }
  return median(times);
}

async function measureIdle(cluster: LocalCluster, lastsSeconds: number): Promise<string[][]> {
  const before = cluster.agentPids.map(cpuSecondsOf);
  await Bun.sleep(lastsSeconds * 1000);
  const shares = cluster.agentPids.map((pid, i) => (cpuSecondsOf(pid) - before[i]) / lastsSeconds);
  const memory = Math.max(...cluster.agentPids.map(bytesOf)) / 1e6;
  return [
    [`idle agent over ${lastsSeconds} s: CPU`, `${(100 * Math.max(...shares)).toFixed(1)}%`],
    ["idle agent: memory", `${memory.toFixed(0)} MB`],
  ];
}
