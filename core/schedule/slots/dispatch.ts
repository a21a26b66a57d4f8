/**
 * Gives free slots to tasks: the oldest execution first, then by group and task,
 * each preferably where its input lies. What is bound to a set of workers gets slots
 * of these; younger ones get what is left. It launches and preempts; it does not end
 * anything.
 */
import type { Agent } from "../agent_state.ts";
import { aheadOf } from "../attempts/ahead.ts";
import { begin, launch } from "../attempts/launch.ts";
import { nextStraggler } from "../attempts/speculation.ts";
import type { Attempt, Execution, Group, Task } from "../execution_state.ts";
import type { JobState } from "../job_state.ts";
import { areInputsCommitted } from "../shards/inputs.ts";
import { cancelTask } from "../shards/lifetime.ts";
import { Passed } from "../shards/passed.ts";
import { wake } from "../shards/waking.ts";
import { setBack, type Turn } from "../turn.ts";
import { firstGang, grant, servePipeline } from "./grants.ts";
import { isPipelineReady } from "./pipelining.ts";
import { freeSlotsOf, freestAgent, loadOf, setOf, slotsOf, totalSlots } from "./slots.ts";
import { overlap, type WorkerSet } from "./worker_sets.ts";

export function dispatch(turn: Turn): void {
  const { state } = turn;
  for (const execution of state.pipelines) servePipeline(turn, execution);
  if (state.ready.length === 0 && state.pipelines.size === 0) return;
  const passed = new Passed();
  for (;;) {
    const group = firstReady(state, passed);
    const gang = firstGang(turn, passed);
    const isGang = gang !== undefined && (group === undefined || gang.age < group.execution.age);
    const execution = isGang ? gang : group?.execution;
    if (execution === undefined) return;
    const set = passed.leftOf(setOf(state, execution), () => numbersOf(state));
    if (isGang) {
      if (!grant(turn, gang, spareSlots(state, set, gang)) && !passed.keep(gang, setOf(state, gang))) return;
    } else if (group !== undefined) {
      launchReady(turn, group, spareSlots(state, set, execution), set);
      if (group.readyCount === 0) continue;
      preempt(turn, group);
      if (!passed.overlaps(set)) launchAhead(turn, group, set);
      // Nobody younger finds a slot either.
      if (set === undefined) return;
      passed.add(group, set);
    }
  }
}

function numbersOf(state: JobState): number[] {
  return [...state.agents.values()].flatMap(({ workers }) => workers ?? []);
}

/** Free slots of a set that no pipeline keeps from an execution: one that has lost what it reads waits for older ones. */
function spareSlots(state: JobState, set: WorkerSet, { age }: Execution): number {
  let spare = 0;
  for (const agent of state.agents.values()) spare += freeSlotsOf(agent, set);
  for (const { pipeline, workers, age: since } of state.pipelines) {
    if (!pipeline?.isGranted || !overlap(workers, set)) continue;
    if (age > since || isPipelineReady(pipeline)) spare -= pipeline.pending.size;
  }
  return spare;
}

function firstReady(state: JobState, passed?: Passed): Group | undefined {
  while (state.ready.length > 0 && state.ready[0].readyCount === 0) state.ready.shift();
  return state.ready.find((group) => group.readyCount > 0 && passed?.has(group) !== true);
}

function launchReady(turn: Turn, group: Group, spare: number, set: WorkerSet): void {
  let left = spare;
  const accepts = (number: number): boolean => isStillReady(turn, group.tasks[number]);
  // Of what is followed the first comes first, wherever its input lies: room was made for it.
  const choosing = group.isFollowed ? [] : turn.state.agents.values();
  for (const agent of choosing) {
    while (left > 0 && freeSlotsOf(agent, set) > 0) {
      const number = takePreferring(turn, group, agent);
      if (number === undefined) break;
      launch(turn, group.tasks[number], { agent, workers: set });
      left -= 1;
    }
  }
  while (left > 0) {
    const number = group.ready.take(accepts);
    if (number === undefined) break;
    const task = group.tasks[number];
    const agent = freestAgent(turn.state, task.avoid, set);
    if (agent === undefined) break;
    launch(turn, task, { agent, workers: set });
    left -= 1;
  }
}

/** Short tasks go to their agents before there is a slot, so that workers find the next ones there. */
function launchAhead(turn: Turn, group: Group, set: WorkerSet): void {
  const { state } = turn;
  const accepts = (number: number): boolean => isStillReady(turn, group.tasks[number]);
  const ahead = aheadOf(state, group, totalSlots(state, set));
  // Slots that are free now are kept for others.
  if (ahead === 0) return;
  for (const agent of state.agents.values()) {
    for (let room = slotsOf(agent, set) * (1 + ahead) - loadOf(agent, set); room > 0; room -= 1) {
      const number = takePreferring(turn, group, agent) ?? group.ready.take(accepts);
      if (number === undefined) return;
      if (group.tasks[number].avoid === agent.id) {
        // It went wrong there: another agent has it, or it waits for a slot.
        group.ready.push(number, undefined);
        break;
      }
      launch(turn, group.tasks[number], { agent, workers: set });
    }
  }
}

/** A task whose input lies on the agent, and that did not go wrong there since that was found. */
function takePreferring(turn: Turn, group: Group, agent: Agent): number | undefined {
  return group.ready.takePreferring(agent.id, (number) => {
    const task = group.tasks[number];
    return task.avoid !== agent.id && isStillReady(turn, task);
  });
}

/** An input may have been lost since the task was queued. */
function isStillReady(turn: Turn, task: Task): boolean {
  if (task.status.kind !== "ready") return false;
  if (areInputsCommitted(task)) return true;
  setBack(turn, task);
  wake(turn, task);
  return false;
}

/** Runs stragglers a second time, when there are slots that nothing waits for; call after `dispatch`. */
export function copyStragglers(turn: Turn): void {
  for (;;) {
    const straggler = nextStraggler(turn.state, turn.now);
    if (straggler === undefined) return;
    const { task, agent } = straggler;
    task.copies += 1;
    task.copy = begin(turn, task, { agent, workers: setOf(turn.state, task.group.execution) });
  }
}

/**
 * Makes room for a task whose shard a client reads before those of the running ones:
 * those may wait for the client while the client waits for this one.
 */
function preempt(turn: Turn, group: Group): void {
  if (!group.isFollowed) return;
  const first = group.ready.take((number) => group.tasks[number].status.kind === "ready");
  if (first === undefined) return;
  group.ready.push(first, undefined);
  let last: Attempt | undefined;
  for (const attempt of group.execution.running) {
    if (attempt.status.kind === "cancelling") return;
    if (attempt.task.group === group && attempt.task.number > (last?.task.number ?? first)) last = attempt;
  }
  if (last === undefined) return;
  cancelTask(turn, last.task);
  setBack(turn, last.task);
  wake(turn, last.task);
}
