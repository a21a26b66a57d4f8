/**
 * What an iteration costs beside its work: empty ones, k-means and PageRank, with four warm workers on this machine and on
 * two agents over loopback.
 */
import { LocalCluster } from "./local_cluster.ts";
import { measure } from "./measure.ts";
import { median } from "./report.ts";
import type { SectionOptions, Table } from "./section.ts";
import { lucioleCommand } from "./workloads.ts";

const FULL = { empty: 1000, points: 400_000, edges: 400_000 };
const QUICK = { empty: 50, points: 20_000, edges: 20_000 };

interface Figures {
  readonly empty: readonly number[];
  readonly means: readonly { readonly ms: number; readonly computeMs: number; readonly taskMs: number }[];
  readonly ten: readonly number[];
  readonly hundred: number;
}

export async function run({ isQuick, rounds }: SectionOptions): Promise<Table> {
  const { empty, points, edges } = isQuick ? QUICK : FULL;
  const sizes = [empty, points, edges].map(String);
  const cluster = await LocalCluster.start(2, 2);
  const local: Figures[] = [];
  const remote: Figures[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      local.push(await figures(["--workers", "4"], sizes));
      remote.push(await figures(["--master", cluster.master, "--workers", "4"], sizes));
    }
  } finally {
    await cluster.stop();
  }
  return {
    title: "Iterations, 4 warm workers",
    head: ["", "wanted", "one machine", "two agents over loopback"],
    rows: [
      row("empty iteration, p50", "< 5 ms", local, remote, ({ empty }) => ms(quantile(empty, 0.5))),
      row("empty iteration, p99", "", local, remote, ({ empty }) => ms(quantile(empty, 0.99))),
      row("k-means iteration", "", local, remote, ({ means }) => ms(median(means.map((turn) => turn.ms)))),
      row("of it, neither reading points nor computing", "< 10 ms", local, remote, ({ means }) =>
        ms(median(means.map((turn) => turn.ms - turn.taskMs))),
      ),
      row("of it, not computing", "", local, remote, ({ means }) =>
        ms(median(means.map((turn) => turn.ms - turn.computeMs))),
      ),
      row("PageRank, 10 iterations", "", local, remote, ({ ten }) => ms(median(ten))),
      row("PageRank, 100 iterations", "", local, remote, ({ hundred }) => ms(hundred)),
      row("100 iterations beside ten", "10 ± 1", local, remote, ({ ten, hundred }) => ({
        value: hundred / median(ten),
        text: (value) => `${value.toFixed(2)}×`,
      })),
    ],
  };
}

interface Figure {
  readonly value: number;
  readonly text: (value: number) => string;
}

function ms(value: number): Figure {
  return { value, text: (one) => `${one.toFixed(1)} ms` };
}

function row(
  name: string,
  wanted: string,
  local: readonly Figures[],
  remote: readonly Figures[],
  take: (figures: Figures) => Figure,
): string[] {
  const cells = [local, remote].map((runs) => {
    const taken = runs.map(take);
    return taken[0].text(median(taken.map(({ value }) => value)));
  });
  return [name, wanted, ...cells];
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

async function figures(flags: readonly string[], sizes: readonly string[]): Promise<Figures> {
  const { stdout } = await measure([...lucioleCommand("iterations", flags), ...sizes]);
  return JSON.parse(stdout) as Figures;
}
