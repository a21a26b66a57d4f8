/**
 * What collective operations of worker programs take: barrier and all-reduce of 1 KB and of 8 MB, with two and four
 * workers on this machine and on two agents over loopback.
 */
import { LocalCluster } from "./local_cluster.ts";
import { measure } from "./measure.ts";
import { median } from "./report.ts";
import type { SectionOptions, Table } from "./section.ts";
import { lucioleCommand } from "./workloads.ts";

const FULL = { short: 1000, long: 30 };
const QUICK = { short: 50, long: 3 };

interface Figures {
  readonly barrier: readonly number[];
  readonly short: readonly number[];
  readonly long: readonly number[];
}

const OPERATIONS = [
  ["barrier", (each: Figures) => each.barrier],
  ["all-reduce of 1 KB", (each: Figures) => each.short],
  ["all-reduce of 8 MB", (each: Figures) => each.long],
] as const;

export async function run({ isQuick, rounds }: SectionOptions): Promise<Table> {
  const { short, long } = isQuick ? QUICK : FULL;
  const sizes = [short, long].map(String);
  const cluster = await LocalCluster.start(2, 2);
  const columns: Figures[][] = [[], [], [], []];
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [i, workers] of ["2", "4"].entries()) {
        columns[i].push(await figures(["--workers", workers], sizes));
        columns[2 + i].push(await figures(["--master", cluster.master, "--workers", workers], sizes));
      }
    }
  } finally {
    await cluster.stop();
  }
  const rows = OPERATIONS.flatMap(([name, take]) =>
    [0.5, 0.99].map((share) => {
      const cells = columns.map((runs) => median(runs.map((each) => quantile(take(each), share))));
      return [`${name}, p${share * 100}`, ...cells.map((ms) => `${ms.toFixed(2)} ms`)];
    }),
  );
  return {
    title: "Collective operations",
    head: ["", "2 workers, one machine", "4 workers, one machine", "2, over loopback", "4, over loopback"],
    rows,
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

async function figures(flags: readonly string[], sizes: readonly string[]): Promise<Figures> {
  const { stdout } = await measure([...lucioleCommand("collectives", flags), ...sizes]);
  return JSON.parse(stdout) as Figures;
}
