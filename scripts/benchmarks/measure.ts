/**
 * Runs a command and measures its whole process tree: wall seconds, CPU seconds, peak memory.
 *
 * Memory is the sum of the proportional set sizes in /proc, sampled; Linux only.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const SAMPLE_MS = 50;

export interface Measurement {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly exitCode: number;
}

/** Runs the command to its end; its stdout is dropped, its stderr shown. */
export function measure(command: readonly string[], env: Record<string, string> = {}): Promise<Measurement> {
  const begin = performance.now();
  const child = spawn(command[0], command.slice(1), {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, ...env },
  });
  let peakBytes = 0;
  const cpu = new Map<number, number>();
  const sample = (): void => {
    let total = 0;
    for (const pid of treeOf(child.pid ?? 0)) {
      total += proportionalBytes(pid);
      cpu.set(pid, cpuSecondsOf(pid) ?? cpu.get(pid) ?? 0);
    }
    peakBytes = Math.max(peakBytes, total);
  };
  const timer = setInterval(sample, SAMPLE_MS);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => {
      clearInterval(timer);
      const cpuSeconds = [...cpu.values()].reduce((sum, seconds) => sum + seconds, 0);
      resolve({
        wallSeconds: (performance.now() - begin) / 1000,
        cpuSeconds,
        peakBytes,
        exitCode: code ?? 1,
      });
    });
  });
}

function treeOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const stat = read(`/proc/${pid}/stat`);
    if (stat === undefined) continue;
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

function proportionalBytes(pid: number): number {
  const match = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? "");
  return match === null ? 0 : Number(match[1]) * 1024;
}

function cpuSecondsOf(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process has ended since it was listed.
    return undefined;
  }
}
