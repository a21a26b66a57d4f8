/**
 * Gives free slots to tasks: the oldest execution first, then by group and task,
 * each preferably where its input lies. What is bound to a set of workers gets slots
 * of these; younger ones get what is left.
 *
 * Pipelines get all their slots at once or none, so two of them never hold a part
 * each and wait for the other. It launches and preempts; it does not end anything.
 */
import { NotEnoughResourcesError, toWireError } from "../errors.ts";
import { aheadOf } from "./ahead.ts";
import type { Agent, Attempt, Execution, Group, Pipeline, Task } from "./execution_state.ts";
import { type GangStart, gangRefusal, gangStarts, isGangReady, mayMove } from "./gangs.ts";
import { areInputsCommitted, areInputsStarted, inputOf } from "./inputs.ts";
import type { JobState } from "./job_state.ts";
import { cancelTask, wake } from "./lifetime.ts";
import { shareOfMemory } from "./memory.ts";
import type { TaskOrder } from "./order.ts";
import { Passed } from "./passed.ts";
import { canDissolve, isPipelineReady, pipelineSize } from "./pipelining.ts";
import { isResting } from "./resting.ts";
import { freeSlotsOf, loadOf, seat, setOf, slotsOf, totalSlots } from "./slots.ts";
import { nextStraggler } from "./speculation.ts";
import { isActive, moveTask } from "./transitions.ts";
import type { Turn } from "./turn.ts";
import { meet, overlap, type WorkerSet } from "./worker_sets.ts";

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
      if (!grant(turn, gang, spareSlots(state, set)) && !passed.keep(gang, setOf(state, gang))) return;
    } else if (group !== undefined) {
      launchReady(turn, group, spareSlots(state, set), set);
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

/** Free slots of a set that no pipeline keeps. */
function spareSlots(state: JobState, set: WorkerSet): number {
  let spare = 0;
  for (const agent of state.agents.values()) spare += freeSlotsOf(agent, set);
  for (const { pipeline, workers } of state.pipelines) {
    if (pipeline?.isGranted && overlap(workers, set)) spare -= pipeline.pending.size;
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
      const number = group.ready.takePreferring(agent.id, accepts);
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
      const number = group.ready.takePreferring(agent.id, accepts) ?? group.ready.take(accepts);
      if (number === undefined) return;
      launch(turn, group.tasks[number], { agent, workers: set });
    }
  }
}

/** An input may have been lost since the task was queued. */
function isStillReady(turn: Turn, task: Task): boolean {
  if (task.status.kind !== "ready") return false;
  if (areInputsCommitted(task)) return true;
  moveTask(task, { kind: "waiting" }, turn.now);
  return false;
}

function freestAgent(state: JobState, avoid: string | undefined, set: WorkerSet): Agent | undefined {
  let best: Agent | undefined;
  let bestFree = 0;
  for (const agent of state.agents.values()) {
    const free = freeSlotsOf(agent, set);
    if (free === 0) continue;
    if (best === undefined || best.id === avoid || (free > bestFree && agent.id !== avoid)) {
      best = agent;
      bestFree = free;
    }
  }
  return best;
}

function launch(turn: Turn, task: Task, place: Place): void {
  const attempt = begin(turn, task, place);
  moveTask(task, { kind: "running", attempt }, turn.now);
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

/** An agent, and who may perform an attempt there. */
interface Place {
  readonly agent: Agent;
  readonly workers: WorkerSet;
}

/** Orders an attempt. */
function begin(turn: Turn, task: Task, { agent, workers }: Place, gang?: GangStart): Attempt {
  const { state, now } = turn;
  const { group } = task;
  const { execution, stage } = group;
  const { input, follows } = inputOf(task, gang?.dealt);
  task.launches += 1;
  const id = `${execution.id}-${group.plan.id}-${task.number}-${task.launches}`;
  const isAhead = freeSlotsOf(agent, workers) === 0;
  const memoryBytes = execution.memoryBytes ?? shareOfMemory(state, isAhead);
  const attempt: Attempt = {
    id,
    task,
    agent: agent.id,
    isFollowed: group.isFollowed,
    workers,
    seat: undefined,
    memoryBytes,
    isAhead,
    follows,
    launchedAt: now,
    startedAt: undefined,
    status: { kind: "launched" },
    totals: undefined,
  };
  if (stage.attempts === 0) stage.startedAt = now;
  stage.attempts += 1;
  state.attempts.set(id, attempt);
  seat(agent, attempt);
  execution.running.add(attempt);
  execution.isChanged = true;
  turn.commands.push({
    kind: "launch",
    agent: agent.id,
    order: {
      execution: execution.id,
      attempt: id,
      group: group.plan.id,
      task: task.shard,
      input,
      memoryBytes,
      seed: seedOf(state.options.seed, group.plan.id, task.number),
      isFollowed: group.isFollowed,
      ...boundTo(agent, workers),
      ...(gang && { gang: gang.order }),
    },
  });
  return attempt;
}

/** Those of its own workers that an agent may give the order to; it may have others that the job does not count on. */
function boundTo({ workers }: Agent, set: WorkerSet): Pick<TaskOrder, "workers"> {
  if (set === undefined || workers === undefined) return {};
  return { workers: workers.filter((worker) => set.has(worker)) };
}

/** Depends on the place of the task alone, so that every attempt draws the same sample. */
function seedOf(seed: number, group: number, task: number): number {
  let h = seed >>> 0;
  for (const part of [group, task]) {
    h = Math.imul(h ^ part, 0x9e3779b1);
    h ^= h >>> 15;
    h = Math.imul(h, 0x85ebca6b);
    h ^= h >>> 13;
  }
  return h >>> 0;
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
  moveTask(last.task, { kind: "waiting" }, turn.now);
  wake(turn, last.task);
}

/** Launches what is granted as soon as what it follows has started. */
function servePipeline(turn: Turn, execution: Execution): void {
  const { pipeline } = execution;
  if (pipeline === undefined || pipeline.pending.size === 0 || !isActive(execution)) {
    turn.state.pipelines.delete(execution);
  } else if (canDissolve(pipeline)) {
    dissolve(turn, execution, pipeline);
  } else if (pipeline.isGranted && !pipeline.isGang) {
    const set = setOf(turn.state, execution);
    for (const task of [...pipeline.pending]) {
      const agent = freestAgent(turn.state, task.avoid, set);
      if (agent === undefined) return;
      if (!isResting(turn, task) && areInputsStarted(task)) launch(turn, task, { agent, workers: set });
    }
  }
}

/** Launches all of its tasks. */
function startGang(turn: Turn, execution: Execution, pipeline: Pipeline): boolean {
  const starts = gangStarts(turn.state, execution, pipeline);
  if (starts === undefined) return false;
  pipeline.isGranted = true;
  for (const start of starts) {
    const attempt = begin(turn, start.task, { agent: start.agent, workers: new Set([start.worker]) }, start);
    moveTask(start.task, { kind: "running", attempt }, turn.now);
  }
  return true;
}

/** Goes on group by group. */
function dissolve(turn: Turn, execution: Execution, pipeline: Pipeline): void {
  turn.state.pipelines.delete(execution);
  execution.pipeline = undefined;
  for (const group of pipeline.groups) {
    group.isPipelined = false;
    group.isFollowed = group.outputs.some((output) => output.isFollowed);
  }
  for (const task of pipeline.pending) wake(turn, task);
}

/** The oldest pipeline that could start but has no slots yet. */
function firstGang(turn: Turn, passed: Passed): Execution | undefined {
  let first: Execution | undefined;
  for (const execution of turn.state.pipelines) {
    const { pipeline } = execution;
    if (pipeline === undefined || pipeline.isGranted) continue;
    if (!(pipeline.isGang ? isGangReady(turn, pipeline) : isPipelineReady(pipeline))) continue;
    if (passed.has(execution)) continue;
    if (first === undefined || execution.age < first.age) first = execution;
  }
  return first;
}

/** Keeps slots for a whole pipeline; false while there are too few, and then nothing younger takes them. */
function grant(turn: Turn, execution: Execution, spare: number): boolean {
  const { pipeline } = execution;
  if (pipeline === undefined) return false;
  if (pipeline.pending.size <= spare && pipeline.isGang) return startGang(turn, execution, pipeline);
  if (pipeline.pending.size <= spare) {
    pipeline.isGranted = true;
    servePipeline(turn, execution);
    return true;
  }
  const { state } = turn;
  const isHopeless = totalSlots(state, setOf(state, execution)) > 0 && !mayMove(pipeline);
  if (isHopeless && !canEverFit(state, execution, pipeline)) {
    failForSlots(turn, execution, pipeline);
  }
  return false;
}

export function canEverFit(state: JobState, execution: Execution, pipeline: Pipeline): boolean {
  const slots = totalSlots(state, setOf(state, execution));
  return pipelineSize(pipeline) <= slots - slotsOfOthers(state, execution);
}

/**
 * Slots of its workers that the open streams of others must have, even when they take all that they can elsewhere. Worker
 * programs end by themselves, and are waited for.
 */
function slotsOfOthers(state: JobState, execution: Execution): number {
  const own = setOf(state, execution);
  let slots = 0;
  for (const other of state.live) {
    if (other === execution || !other.pipeline?.isGranted || other.pipeline.isGang || !isActive(other))
      continue;
    const set = setOf(state, other);
    const elsewhere = own === undefined ? 0 : totalSlots(state, set) - totalSlots(state, meet(own, set));
    slots += Math.max(0, pipelineSize(other.pipeline) - elsewhere);
  }
  return slots;
}

export function failForSlots(turn: Turn, execution: Execution, pipeline: Pipeline): void {
  const needed = pipelineSize(pipeline);
  const slots = totalSlots(turn.state, setOf(turn.state, execution));
  const taken = slotsOfOthers(turn.state, execution);
  const others = taken === 0 ? "" : `, ${taken} of them taken by other open streams`;
  const who =
    execution.workers === undefined ? "the job has" : `its workers ${[...execution.workers].join(", ")} have`;
  const what = pipeline.isGang
    ? gangRefusal(turn.state, pipeline, slots - taken)
    : `${needed} tasks must run at once while its channels are open, and ${who} ${slots} slots${others}`;
  const message = `Running execution ${execution.id}: ${what}`;
  const error = toWireError(new NotEnoughResourcesError(message, { fields: { needed, slots, taken } }));
  turn.failures.push({ execution, error });
}
