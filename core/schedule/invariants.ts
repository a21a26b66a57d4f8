/**
 * What must hold between two events, executable: slots, attempts, counters and the
 * life of shards.
 *
 * Walks the whole state; for tests and for debugging, not for every event of a
 * large job.
 */

import type { Agent } from "./agent_state.ts";
import { MAX_AHEAD } from "./attempts/ahead.ts";
import type { Attempt, Execution, Group, Task } from "./execution_state.ts";
import type { JobState } from "./job_state.ts";
import { isNeeded } from "./shards/lifetime.ts";
import { isIn } from "./slots/worker_sets.ts";
import { InvariantError, isDone, isLive, taskName } from "./transitions.ts";

/** No agent has more orders than it may, and every attempt that runs is known to one agent. */
export function checkSlots(state: JobState): void {
  for (const agent of state.agents.values()) {
    const waiting =
      agent.workers === undefined
        ? [...agent.running].filter((attempt) => attempt.isAhead).length
        : agent.unseated.size;
    // What workers hold that are to go, and what waits for them to be taken back.
    const leaving = [...agent.seats.keys()].filter((worker) => agent.workers?.includes(worker) === false);
    const isOver = agent.running.size - waiting - leaving.length > agent.slots;
    if (isOver || waiting > agent.mostSlots * (1 + MAX_AHEAD)) {
      throw new InvariantError(
        `Agent ${agent.id}: ${agent.running.size} attempts in ${agent.slots} slots`,
        [...agent.running].map((attempt) => attempt.id),
      );
    }
    const promised = [...agent.seats.values()].reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
    if (promised !== agent.promisedBytes) {
      throw new InvariantError(
        `Agent ${agent.id}: ${agent.promisedBytes} bytes promised, not ${promised}`,
        [],
      );
    }
    for (const attempt of agent.running) {
      checkSeat(agent, attempt);
      if (attempt.agent !== agent.id || state.attempts.get(attempt.id) !== attempt) {
        throw new InvariantError(
          `Agent ${agent.id} runs ${attempt.id}, which is unknown`,
          attempt.task.history,
        );
      }
    }
  }
}

/** Each worker has one attempt at most, one that it may perform; none waits for a worker that is free. */
function checkSeat({ workers, seats, free, unseated }: Agent, attempt: Attempt): void {
  const { id, seat, status, task } = attempt;
  const fail = (what: string): never => {
    throw new InvariantError(`Attempt ${id} ${what}`, task.history);
  };
  if (status.kind === "running" && !isIn(status.worker, attempt.workers)) {
    fail(`is performed by worker ${status.worker}, which is not of its set`);
  }
  if (workers === undefined) return;
  if (unseated.has(attempt) !== (seat === undefined)) fail("waits for a slot and has one");
  if (seat !== undefined && seats.get(seat) !== attempt) fail(`is not the one that worker ${seat} has`);
  if (seat !== undefined && (free.has(seat) || !isIn(seat, attempt.workers)))
    fail(`may not have worker ${seat}`);
  const idle = [...free].find((worker) => seat === undefined && isIn(worker, attempt.workers));
  if (idle !== undefined) fail(`waits and worker ${idle} is free`);
}

export function checkAttempts(state: JobState): void {
  for (const attempt of state.attempts.values()) {
    const { status, task } = attempt;
    const agent = state.agents.get(attempt.agent);
    const holdsSlot = status.kind === "launched" || status.kind === "running" || status.kind === "cancelling";
    const fail = (what: string): never => {
      throw new InvariantError(`Attempt ${attempt.id} is ${status.kind}: ${what}`, task.history);
    };
    if (agent === undefined) fail(`its agent ${attempt.agent} is gone`);
    if (agent?.running.has(attempt) !== holdsSlot) fail("its agent's slots say otherwise");
    if (task.group.execution.running.has(attempt) !== holdsSlot) fail("its execution says otherwise");
    const isOwn = ("attempt" in task.status && task.status.attempt === attempt) || task.copy === attempt;
    if (isOwn !== (status.kind !== "cancelling")) fail(`its task is ${task.status.kind}`);
    if (!holdsSlot && status.kind !== "committed") fail("it is over");
  }
}

export function checkExecution(state: JobState, execution: Execution): void {
  let undone = 0;
  for (const group of execution.groups) {
    checkCounters(group);
    if (group.done < group.tasks.length) undone += 1;
    for (const task of group.tasks) checkTask(state, task);
    if (group.readyCount > 0 && !state.ready.includes(group)) {
      throw new InvariantError(`Group ${group.plan.label} has ready tasks and is not queued`, []);
    }
  }
  if (undone !== execution.undone) {
    throw new InvariantError(
      `Execution ${execution.id}: ${undone} groups are not done, it counts ${execution.undone}`,
      execution.history,
    );
  }
  if (state.live.has(execution) !== isLive(execution)) {
    const what = state.live.has(execution) ? "it counts as live" : "nobody watches it";
    throw new InvariantError(
      `Execution ${execution.id} is ${execution.status.kind}: ${what}`,
      execution.history,
    );
  }
  const { kind } = execution.status;
  const mayWait = kind === "running" || kind === "recovering" || kind === "publishing";
  if (undone > 0 && !mayWait) {
    throw new InvariantError(`Execution ${execution.id} is ${kind} with tasks to do`, execution.history);
  }
  if (undone === 0 && mayWait && kind !== "publishing") {
    throw new InvariantError(`Execution ${execution.id} is ${kind} with nothing to do`, execution.history);
  }
}

function checkCounters(group: Group): void {
  const found = { committed: 0, released: 0, ready: 0, done: 0 };
  for (const task of group.tasks) {
    const { kind } = task.status;
    if (kind === "committed" || kind === "released" || kind === "ready") found[kind] += 1;
    if (isDone(task)) found.done += 1;
  }
  const isRight =
    found.committed === group.present &&
    found.released === group.released &&
    found.ready === group.readyCount &&
    found.done === group.done;
  if (isRight) return;
  const counted = { present: group.present, released: group.released, ready: group.readyCount };
  throw new InvariantError(
    `Group ${group.plan.label}: ${JSON.stringify(found)} found, ${JSON.stringify(counted)} counted`,
    [],
  );
}

function checkTask(state: JobState, task: Task): void {
  const { status, group } = task;
  const fail = (what: string): never => {
    throw new InvariantError(`Task ${taskName(task)} is ${status.kind}: ${what}`, task.history);
  };
  if (status.kind === "running" || status.kind === "committed") {
    const { attempt } = status;
    if (state.attempts.get(attempt.id) !== attempt) fail(`attempt ${attempt.id} is unknown`);
    const isCommitted = attempt.status.kind === "committed";
    if (isCommitted !== (status.kind === "committed"))
      fail(`attempt ${attempt.id} is ${attempt.status.kind}`);
  }
  checkCopy(task);
  const { kind } = group.execution.status;
  const keepsAll = kind === "ending" || kind === "publishing";
  if (status.kind === "committed" && !keepsAll && !isNeeded(task)) fail("nobody needs its shard");
  const isLost = kind === "ending" || kind === "broken";
  if (status.kind === "released" && !isLost && isNeeded(task)) fail("somebody needs its shard");
}

/** Beside the attempt that runs there is at most one more, on another agent, and nobody reads it before its commit. */
function checkCopy({ status, copy, group, history }: Task): void {
  if (copy === undefined) return;
  const isBeside =
    status.kind === "running" && status.attempt !== copy && status.attempt.agent !== copy.agent;
  if (!isBeside || copy.isFollowed || (copy.status.kind !== "launched" && copy.status.kind !== "running")) {
    throw new InvariantError(`Attempt ${copy.id} of ${group.plan.label} copies nothing that runs`, history);
  }
}
