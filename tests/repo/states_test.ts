/** docs/states.md shows the tables that the code has, all of them and no others. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { DRIVER_TRANSITIONS } from "../../core/agent/driver_life.ts";
import { JOB_TRANSITIONS } from "../../core/agent/job_life.ts";
import { ORDER_TRANSITIONS } from "../../core/agent/order_book.ts";
import { WORKER_TRANSITIONS } from "../../core/agent/worker_state.ts";
import { AGENT_TRANSITIONS } from "../../core/cluster/agent_record.ts";
import { GRAPH_TRANSITIONS } from "../../core/connected/graph_states.ts";
import { MEMBER_TRANSITIONS } from "../../core/job/member_state.ts";
import { LANE_TRANSITIONS } from "../../core/messages/lane.ts";
import { VERTEX_TRANSITIONS } from "../../core/metagraph/vertex_states.ts";
import {
  ATTEMPT_TRANSITIONS,
  CHANNEL_TRANSITIONS,
  EXECUTION_TRANSITIONS,
  TASK_TRANSITIONS,
} from "../../core/schedule/transitions.ts";

type Tables = Record<string, Record<string, readonly string[]>>;

/** The tables of the page, by their headings. */
function tablesOf(text: string): Tables {
  const tables: Tables = {};
  let table: Tables[string] = {};
  for (const line of text.split("\n")) {
    const [, heading] = /^## (\w+)$/.exec(line) ?? [];
    if (heading !== undefined) {
      table = {};
      tables[heading] = table;
    }
    const [, from, to] = /^- (\w+) → (.+)$/.exec(line) ?? [];
    if (from !== undefined) table[from] = to === "(end)" ? [] : to.split(", ");
  }
  return tables;
}

test("docs/states.md shows the tables of the code", () => {
  const text = readFileSync(new URL("../../docs/states.md", import.meta.url), "utf8");
  expect(tablesOf(text)).toEqual({
    Task: TASK_TRANSITIONS,
    Attempt: ATTEMPT_TRANSITIONS,
    Channel: CHANNEL_TRANSITIONS,
    Execution: EXECUTION_TRANSITIONS,
    Graph: GRAPH_TRANSITIONS,
    Vertex: VERTEX_TRANSITIONS,
    Member: MEMBER_TRANSITIONS,
    Job: JOB_TRANSITIONS,
    Worker: WORKER_TRANSITIONS,
    Order: ORDER_TRANSITIONS,
    Driver: DRIVER_TRANSITIONS,
    Agent: AGENT_TRANSITIONS,
    Lane: LANE_TRANSITIONS,
  });
});

test("every state can be left for, or reached from, another one, and only ends have no next", () => {
  const ends: Record<string, string[]> = {};
  const text = readFileSync(new URL("../../docs/states.md", import.meta.url), "utf8");
  for (const [name, table] of Object.entries(tablesOf(text))) {
    const [first] = Object.keys(table);
    const reached = new Set([first]);
    for (const state of reached) for (const next of table[state]) reached.add(next);
    expect([...reached].toSorted()).toEqual(Object.keys(table).toSorted());
    ends[name] = Object.keys(table).filter((state) => table[state].length === 0);
  }
  expect(ends).toEqual({
    Task: ["abandoned"],
    Attempt: ["failed", "lost", "cancelled", "released"],
    Channel: ["lost", "released"],
    Execution: ["ended"],
    Graph: ["refused", "left"],
    Vertex: ["done", "failed", "cancelled"],
    Member: ["gone"],
    Job: ["ending"],
    Worker: ["failed", "stopped"],
    Order: ["forgotten"],
    Driver: ["forgotten"],
    Agent: ["forgotten"],
    Lane: ["gone"],
  });
});
