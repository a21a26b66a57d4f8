/**
 * What messages between driver and worker cost: round trips one by one, and small messages in a row, on this machine and
 * on two agents over loopback.
 */
import { LocalCluster } from "./local_cluster.ts";
import { measure } from "./measure.ts";
import { median } from "./report.ts";
import type { SectionOptions, Table } from "./section.ts";
import { lucioleCommand } from "./workloads.ts";

const FULL = { trips: 5000, messages: 500_000 };
const QUICK = { trips: 100, messages: 20_000 };

interface Figures {
  /** Milliseconds of each. */
  readonly trips: readonly number[];
  /** Messages in a second, driver to worker. */
  readonly down: number;
  readonly up: number;
}

export async function run({ isQuick, rounds }: SectionOptions): Promise<Table> {
  const { trips, messages } = isQuick ? QUICK : FULL;
  const sizes = [trips, messages].map(String);
  const cluster = await LocalCluster.start(2, 1);
  const local: Figures[] = [];
  const remote: Figures[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      local.push(await figures(["--workers", "2"], sizes));
      remote.push(await figures(["--master", cluster.master, "--workers", "2"], sizes));
    }
  } finally {
    await cluster.stop();
  }
  const row = (name: string, wanted: string, take: (figures: Figures) => number, unit: string): string[] => {
    const cells = [local, remote].map((runs) => {
      const value = median(runs.map(take));
      return unit === "ms" ? `${value.toFixed(3)} ms` : `${Math.round(value)}${unit}`;
    });
    return [name, wanted, ...cells];
  };
  return {
    title: "Messages between driver and one worker",
    head: ["", "wanted", "one machine", "two agents over loopback"],
    rows: [
      row("round trip, p50", "< 0.5 ms", (each) => quantile(each.trips, 0.5), "ms"),
      row("round trip, p99", "", (each) => quantile(each.trips, 0.99), "ms"),
      row("driver to worker", "> 50,000/s", ({ down }) => down, "/s"),
      row("worker to driver", "> 50,000/s", ({ up }) => up, "/s"),
    ],
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

async function figures(flags: readonly string[], sizes: readonly string[]): Promise<Figures> {
  const { stdout } = await measure([...lucioleCommand("messages", flags), ...sizes]);
  return JSON.parse(stdout) as Figures;
}
