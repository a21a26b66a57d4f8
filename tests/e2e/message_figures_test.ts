/** M7: the benchmark of messages publishes what a round trip takes, and how many messages go in a second. */
import { expect, test } from "bun:test";
import { run } from "../../scripts/benchmarks/messages.ts";

test("M7: the benchmark tells p50 and p99 of round trips and messages per second, both ways, here and on a cluster", async () => {
  const { head, rows } = await run({ folder: "", isQuick: true, rounds: 1 });
  expect(head.slice(2)).toEqual(["one machine", "two agents over loopback"]);
  const figures = new Map(rows.map(([name, , ...cells]) => [name, cells]));
  expect([...figures.keys()]).toEqual([
    "round trip, p50",
    "round trip, p99",
    "driver to worker",
    "worker to driver",
  ]);
  for (const [name, cells] of figures) {
    const form = name.startsWith("round trip") ? /^\d+\.\d{3} ms$/ : /^\d+\/s$/;
    expect(cells).toEqual([expect.stringMatching(form), expect.stringMatching(form)]);
    for (const cell of cells) expect(Number.parseFloat(cell)).toBeGreaterThan(0);
  }
  const [p50, p99] = ["round trip, p50", "round trip, p99"].map((name) => figures.get(name) ?? []);
  for (const [i, cell] of p50.entries()) {
    expect(Number.parseFloat(cell)).toBeLessThanOrEqual(Number.parseFloat(p99[i]));
  }
}, 120_000);
