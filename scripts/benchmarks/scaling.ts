/**
 * How soon another worker does something: from `scaleUp(1)` to the end of its first task, on this machine and on a
 * cluster of processes over loopback.
 */
import { LocalCluster } from "./local_cluster.ts";
import { measure } from "./measure.ts";
import { median } from "./report.ts";
import type { SectionOptions, Table } from "./section.ts";
import { lucioleCommand } from "./workloads.ts";

const FULL = 10;
const QUICK = 2;

/** Milliseconds of each change. */
interface Figures {
  readonly joined: readonly number[];
  readonly worked: readonly number[];
  readonly left: readonly number[];
}

export async function run({ isQuick, rounds }: SectionOptions): Promise<Table> {
  const count = String(isQuick ? QUICK : FULL);
  const cluster = await LocalCluster.start(2, 2);
  const local: Figures[] = [];
  const remote: Figures[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      local.push(await figures(["--workers", "1"], count));
      remote.push(await figures(["--master", cluster.master, "--workers", "1"], count));
    }
  } finally {
    await cluster.stop();
  }
  const row = (name: string, wanted: string, what: keyof Figures): string[] => {
    const cells = [local, remote].map((runs) => `${median(runs.flatMap((run) => run[what])).toFixed(0)} ms`);
    return [name, wanted, ...cells];
  };
  return {
    title: "One worker more, and one less",
    head: ["", "wanted", "one machine", "two agents over loopback"],
    rows: [
      row("until it has joined", "", "joined"),
      row("until its first task has ended", "< 300 ms", "worked"),
      row("until an idle one is gone", "", "left"),
    ],
  };
}

async function figures(flags: readonly string[], count: string): Promise<Figures> {
  const { stdout } = await measure([...lucioleCommand("scaling", flags), count]);
  return JSON.parse(stdout) as Figures;
}
