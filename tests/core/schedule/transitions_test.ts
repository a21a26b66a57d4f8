import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Execution, Task } from "../../../core/schedule/execution_state.ts";
import { createExecution } from "../../../core/schedule/new_execution.ts";
import {
  ATTEMPT_TRANSITIONS,
  EXECUTION_TRANSITIONS,
  InvariantError,
  moveTask,
  renderTransitions,
  TASK_TRANSITIONS,
} from "../../../core/schedule/transitions.ts";
import { planOf } from "./plans.ts";

function newTask(): Task {
  const job = { nextAge: 0, live: new Set<Execution>() };
  return createExecution("e", job, planOf([{ tasks: 1 }], [0]), new Map()).groups[0].tasks[0];
}

test("docs/states.md shows the tables of the code", () => {
  const text = readFileSync(new URL("../../../docs/states.md", import.meta.url), "utf8");
  for (const table of [TASK_TRANSITIONS, ATTEMPT_TRANSITIONS, EXECUTION_TRANSITIONS]) {
    expect(text).toContain(renderTransitions(table));
  }
});

test("moveTask() tells the task's story when the transition is illegal", () => {
  const task = newTask();
  moveTask(task, { kind: "ready" }, 3);
  moveTask(task, { kind: "abandoned" }, 4);
  expect(() => moveTask(task, { kind: "ready" }, 5)).toThrow(InvariantError);
  expect(() => moveTask(task, { kind: "ready" }, 5)).toThrow(
    "Moving task e-0-0: it is abandoned, which ready may not follow; its story: 3 ready; 4 abandoned",
  );
});

test("moveTask() keeps a bounded story", () => {
  const task = newTask();
  for (let i = 0; i < 100; i += 1) {
    moveTask(task, { kind: "ready" }, i);
    moveTask(task, { kind: "waiting" }, i);
  }
  expect(task.history.length).toBe(40);
});
