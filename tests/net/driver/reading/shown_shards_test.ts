/** What a driver keeps of the small shards that came with the ends of their tasks. */
import { expect, test } from "bun:test";
import type { AgentEvent } from "../../../../core/schedule/attempts/order.ts";
import { NO_TOTALS } from "../../../../core/schedule/report.ts";
import { ShownShards } from "../../../../net/driver/reading/shown_shards.ts";

function ended(attempt: string, items?: Uint8Array): AgentEvent {
  const result = { kind: "committed", shard: { partitions: [] }, totals: NO_TOTALS } as const;
  return { kind: "attemptEnded", attempt, result, ...(items && { items }) };
}

test("ShownShards keeps what came until it is released or its agent is gone", () => {
  const shown = new ShownShards();
  const bytes = new Uint8Array([1, 2]);
  shown.take("a", [ended("1", bytes), ended("2"), ended("3", bytes)]);
  shown.take("b", [ended("4", bytes)]);
  bytes.fill(9);
  expect(["1", "2", "3", "4"].map((attempt) => shown.items(attempt)?.[0])).toEqual([1, undefined, 1, 1]);
  shown.release(["1", "2"]);
  expect(shown.items("1")).toBeUndefined();
  shown.dropAgent("a");
  expect([shown.items("3"), shown.items("4")?.length]).toEqual([undefined, 2]);
});

test("ShownShards keeps no more than its bound, and again when there is room", () => {
  const shown = new ShownShards(1000);
  const bytes = new Uint8Array(372);
  shown.take("a", [ended("1", bytes), ended("2", bytes), ended("3", bytes)]);
  expect(["1", "2", "3"].map((attempt) => shown.items(attempt) !== undefined)).toEqual([true, true, false]);
  shown.release(["1", "1"]);
  shown.take("a", [ended("4", bytes), ended("5", bytes)]);
  expect(["4", "5"].map((attempt) => shown.items(attempt) !== undefined)).toEqual([true, false]);
});
