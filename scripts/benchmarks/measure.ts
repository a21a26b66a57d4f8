/**
 * Runs a command and measures its whole process tree: wall seconds, CPU seconds, peak memory.
 *
 * CPU is what the kernel counted for the command and for all that it waited for, so processes
 * that end between two samples count too. Memory is the sum of proportional set sizes in /proc,
 * sampled; Linux only.
 */
import { readdirSync, readFileSync } from "node:fs";

const SAMPLE_MS = 20;
/** Looking at memory takes time of the machine that is measured: at most this share of it. */
const SAMPLING_SHARE = 0.1;

export interface Measurement {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly stdout: string;
}

/**
 * Runs the command to its end; its stderr is shown.
 *
 * @throws {Error} If it fails, or leaves a process behind.
 */
export async function measure(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Measurement> {
  const begin = performance.now();
  const child = Bun.spawn([...command], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const sampler = new Sampler(child.pid);
  const stdout = new Response(child.stdout).text();
  const code = await child.exited;
  const wallSeconds = (performance.now() - begin) / 1000;
  const { peakBytes, cpuSeconds: sampled } = sampler.stop();
  if (code !== 0) throw new Error(`${command.join(" ")} exited with ${code}`);
  const counted = Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1e6;
  // A process that nobody waited for is in the samples only.
  return { wallSeconds, cpuSeconds: Math.max(counted, sampled), peakBytes, stdout: await stdout };
}

/** Looks at a process and its descendants every few milliseconds. */
class Sampler {
  readonly #root: number;
  readonly #seconds = new Map<number, number>();
  #peakBytes = 0;
  #timer: Timer | undefined;

  constructor(root: number) {
    this.#root = root;
    this.#sample();
  }

  stop(): { readonly peakBytes: number; readonly cpuSeconds: number } {
    clearTimeout(this.#timer);
    const seconds = [...this.#seconds.values()].reduce((sum, value) => sum + value, 0);
    return { peakBytes: this.#peakBytes, cpuSeconds: seconds };
  }

  #sample(): void {
    const begin = performance.now();
    let total = 0;
    for (const [pid, seconds] of treeOf(this.#root)) {
      total += proportionalBytes(pid);
      this.#seconds.set(pid, seconds);
    }
    this.#peakBytes = Math.max(this.#peakBytes, total);
    const took = performance.now() - begin;
    this.#timer = setTimeout(() => this.#sample(), Math.max(SAMPLE_MS - took, took / SAMPLING_SHARE));
  }
}

/** CPU seconds so far of a process, of its descendants, and of those that they have waited for. */
export function cpuSecondsOf(pid: number): number {
  return [...treeOf(pid).keys()].reduce((sum, id) => sum + (statOf(id)?.secondsWithEnded ?? 0), 0);
}

/** What a process and its descendants hold in memory. */
export function bytesOf(pid: number): number {
  return [...treeOf(pid).keys()].reduce((sum, id) => sum + proportionalBytes(id), 0);
}

/** The ids of a process and its descendants, with the CPU seconds of each so far. */
function treeOf(root: number): Map<number, number> {
  const stats = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) >= root)
    .flatMap((name) => statOf(Number(name)) ?? []);
  const tree = new Map<number, number>();
  // Children have higher numbers than their parents, but where the numbers began anew.
  for (const { pid, parent, seconds } of stats.sort((a, b) => a.pid - b.pid)) {
    if (pid === root || tree.has(parent)) tree.set(pid, seconds);
  }
  return tree;
}

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly seconds: number;
  readonly secondsWithEnded: number;
}

function statOf(pid: number): Stat | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [own, system, ended, endedSystem] = fields.slice(11, 15).map((ticks) => Number(ticks) / 100);
  const seconds = own + system;
  return { pid, parent: Number(fields[1]), seconds, secondsWithEnded: seconds + ended + endedSystem };
}

function proportionalBytes(pid: number): number {
  const match = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? "");
  return match === null ? 0 : Number(match[1]) * 1024;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process has ended since it was listed.
    return undefined;
  }
}
