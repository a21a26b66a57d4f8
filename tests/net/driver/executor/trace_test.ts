/** What becomes of a job whose trace cannot be written. */
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentEvent } from "../../../../core/schedule/attempts/order.ts";
import { NO_TOTALS } from "../../../../core/schedule/report.ts";
import { openTrace } from "../../../../net/driver/executor/trace.ts";

const directory = mkdtempSync(join(tmpdir(), "luciole-test-"));
afterEach(() => {
  delete process.env.LUCIOLE_TRACE;
  rmSync(directory, { recursive: true, force: true });
});

const result = { kind: "committed", shard: { partitions: [] }, totals: NO_TOTALS } as const;
const ended: AgentEvent = { kind: "attemptEnded", attempt: "e0-j1-2-3-0", result };

test("openTrace() writes a line for each attempt, and tells once what keeps it from that", () => {
  const told: string[] = [];
  process.env.LUCIOLE_TRACE = join(directory, "trace");
  openTrace((text) => told.push(text))?.([ended, { kind: "workerStarted", worker: 0 }, ended]);
  const [line, ...more] = readFileSync(process.env.LUCIOLE_TRACE, "utf8").trim().split("\n");
  expect(JSON.parse(line)).toMatchObject({ execution: "e0-j1", group: 2, task: 3, end: "committed" });
  expect({ more: more.length, told }).toEqual({ more: 1, told: [] });
  process.env.LUCIOLE_TRACE = join(directory, "missing", "trace");
  const trace = openTrace((text) => told.push(text));
  trace?.([ended]);
  trace?.([ended]);
  expect(told).toEqual([
    `the trace "${process.env.LUCIOLE_TRACE}" is not written any more: there is no such file or directory`,
  ]);
});
