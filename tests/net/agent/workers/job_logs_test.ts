/** What is kept of what the workers of a job print. */
import { describe, expect, test } from "bun:test";
import { SequenceOutbox } from "../../../../net/agent/sequence_outbox.ts";
import { JobLogs } from "../../../../net/agent/workers/job_logs.ts";

const line = (worker: number, text: string) => ({ worker, level: "info" as const, text });

describe("JobLogs", () => {
  test("read() gives what was added, by number and by worker", () => {
    const logs = new JobLogs(new SequenceOutbox());
    for (let i = 0; i < 4; i++) logs.add(line(i % 2, `t${i}`));
    expect(logs.read().map(({ number, text }) => [number, text])).toEqual([
      [0, "t0"],
      [1, "t1"],
      [2, "t2"],
      [3, "t3"],
    ]);
    expect(logs.read(2).map(({ text }) => text)).toEqual(["t2", "t3"]);
    expect(logs.read(1, 1).map(({ text }) => text)).toEqual(["t1", "t3"]);
  });

  test("add() forgets the oldest beyond a mebibyte, also of very many lines", () => {
    const logs = new JobLogs(new SequenceOutbox());
    for (let i = 0; i < 100_000; i++) logs.add(line(0, `line ${i}`));
    const kept = logs.read();
    expect(kept.length).toBeLessThan(12_000);
    expect(kept.at(-1)?.text).toBe("line 99999");
    expect(kept.map(({ number }) => number)).toEqual(kept.map((_, i) => kept[0].number + i));
    logs.add(line(0, "x".repeat(2 ** 20)));
    expect(logs.read()).toEqual([]);
  });
});
