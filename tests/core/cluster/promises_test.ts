/** Slots that were granted and not seen as taken: when they count as free again. */
import { expect, test } from "bun:test";
import { Registry } from "../../../core/cluster/registry.ts";
import { agentInfo, heartbeat, request } from "./agents.ts";

test("a job that came and went between two heartbeats keeps no slots", () => {
  const registry = new Registry({ lostMs: 10_000 });
  const agent = agentInfo("a1", { slots: 1 });
  const beat = (sequence: number, ended: readonly string[]) => {
    const told = heartbeat(agent, sequence);
    registry.apply({ kind: "heartbeat", heartbeat: { ...told, load: { ...told.load, ended } } }, sequence);
  };
  beat(1, []);
  expect(registry.place(request("j1", 1), 2).missing).toBe(0);
  beat(3, []);
  expect(registry.place(request("j2", 1), 4).missing).toBe(1);
  beat(5, ["j1"]);
  expect(registry.place(request("j2", 1), 6).missing).toBe(0);
});
