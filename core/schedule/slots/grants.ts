/**
 * Slots for what runs all at once: pipelines behind open channels, and gangs.
 *
 * Each gets all its slots or none, so two of them never hold a part each and wait
 * for the other. What can never have so many fails.
 */
import { NotEnoughResourcesError, toWireError } from "../../errors.ts";
import { launch } from "../attempts/launch.ts";
import { isResting } from "../attempts/resting.ts";
import type { Execution, Pipeline } from "../execution_state.ts";
import type { JobState } from "../job_state.ts";
import { areInputsStarted } from "../shards/inputs.ts";
import type { Passed } from "../shards/passed.ts";
import { wake } from "../shards/waking.ts";
import { isActive } from "../transitions.ts";
import type { Turn } from "../turn.ts";
import { gangRefusal, gangStarts, isGangReady, mayMove } from "./gangs.ts";
import { canDissolve, isPipelineReady, pipelineSize } from "./pipelining.ts";
import { freestAgent, setOf, totalSlots } from "./slots.ts";
import { isIn, meet, type WorkerSet } from "./worker_sets.ts";

/** Launches what is granted as soon as what it follows has started. */
export function servePipeline(turn: Turn, execution: Execution): void {
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
    launch(turn, start.task, { agent: start.agent, workers: new Set([start.worker]) }, start);
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
export function firstGang(turn: Turn, passed: Passed): Execution | undefined {
  let first: Execution | undefined;
  for (const execution of turn.state.pipelines) {
    const { pipeline } = execution;
    if (pipeline === undefined || !waitsForSlots(turn, pipeline) || passed.has(execution)) continue;
    if (first === undefined || execution.age < first.age) first = execution;
  }
  return first;
}

/** Whether it could start, and has no slots yet. */
export function waitsForSlots(turn: Turn, pipeline: Pipeline): boolean {
  if (pipeline.isGranted || pipeline.pending.size === 0) return false;
  return pipeline.isGang ? isGangReady(turn, pipeline) : isPipelineReady(pipeline);
}

/** Keeps slots for a whole pipeline; false while there are too few, and then nothing younger takes them. */
export function grant(turn: Turn, execution: Execution, spare: number): boolean {
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
 * Slots of its workers that the open streams of others must have, even when they take all that they can elsewhere. What
 * ends by itself is waited for: worker programs, and streams whose channels are closed.
 */
export function slotsOfOthers(state: JobState, execution: Execution): number {
  const own = setOf(state, execution);
  let slots = 0;
  for (const other of state.live) {
    if (other === execution || !other.pipeline?.isGranted || !isStream(other)) continue;
    const set = setOf(state, other);
    const elsewhere = own === undefined ? 0 : totalSlots(state, set) - totalSlots(state, meet(own, set));
    slots += Math.max(0, pipelineSize(other.pipeline) - elsewhere);
  }
  return slots;
}

/** Workers of a set that open streams sit on, though there may be others for them. */
export function seatsOfStreams(state: JobState, set: WorkerSet): number {
  let seats = 0;
  for (const agent of state.agents.values()) {
    for (const [worker, { task }] of agent.seats) {
      if (isIn(worker, set) && agent.workers?.includes(worker) && isStream(task.group.execution)) seats += 1;
    }
  }
  return seats;
}

/** Its driver decides when it ends. */
export function isStream(execution: Execution): boolean {
  const { pipeline } = execution;
  return pipeline?.channels.some(({ status }) => status === "open") === true && isActive(execution);
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
