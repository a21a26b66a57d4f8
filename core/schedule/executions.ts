/**
 * The life of executions: submitted, published, done, failed, cancelled, kept for
 * lineage, forgotten.
 *
 * What a single shard or attempt goes through is elsewhere.
 */
import { LucioleError, toWireError, type WireError } from "../errors.ts";
import type { PlanOutput } from "../plan/physical.ts";
import { headEdges, sideEdges, unionOffsets } from "../plan/pieces.ts";
import { announce } from "./attempts/attempt_events.ts";
import { failReaders } from "./attempts/failed_readers.ts";
import type { Edge, Execution, Group, Producer } from "./execution_state.ts";
import type { JobCommand, JobEvent, JobState, SinkPart } from "./job_state.ts";
import { createExecution } from "./new_execution.ts";
import type { ExecutionOutcome } from "./outcome.ts";
import { beginFromCopies } from "./shards/from_copies.ts";
import { shardCount } from "./shards/inputs.ts";
import { cancelTask, releaseChannel, releaseCommitted, releaseIfUnneeded } from "./shards/lifetime.ts";
import { wakeGroup } from "./shards/waking.ts";
import { planGang } from "./slots/gangs.ts";
import { planPipeline } from "./slots/pipelining.ts";
import { executionTotals, groupProgress, stageReports } from "./totals.ts";
import { isDone, moveExecution, moveTask } from "./transitions.ts";
import type { Turn } from "./turn.ts";

type Submitted = Extract<JobEvent, { kind: "executionSubmitted" }>;

export function submit(turn: Turn, event: Submitted): void {
  const { state } = turn;
  const { execution: id, plan } = event;
  if (state.executions.has(id)) throw new RangeError(`Cannot submit execution ${id}: the id is in use`);
  const execution = createExecution(id, state, plan, event.compare, event);
  const error = connect(state, execution);
  if (error !== undefined) {
    disconnect(turn, execution);
    turn.commands.push({ kind: "executionEnded", execution: id, outcome: { kind: "failed", error } });
    turn.commands.push({ kind: "executionForgotten", execution: id });
    return;
  }
  state.nextAge += 1;
  state.executions.set(id, execution);
  state.live.add(execution);
  for (const output of plan.outputs) addOutput(state, execution, output, event);
  execution.pipeline = planGang(execution) ?? planPipeline(execution);
  if (event.checkpoint !== undefined) beginFromCopies(turn, execution, event.checkpoint);
  for (const group of execution.groups) {
    if (group.tasks.length === 0) announce(turn, group, false);
    wakeGroup(turn, group);
  }
  turn.touched.add(execution);
}

function addOutput(
  state: JobState,
  execution: Execution,
  output: PlanOutput,
  { followed, checkpoint }: Submitted,
): void {
  if (output.kind !== "dataset") return;
  const group = groupOf(execution, output.group);
  const id = `${execution.id}.${output.node}`;
  const isFollowed = followed.has(group.plan.id);
  const isHeld = checkpoint?.held?.has(output.node) ?? true;
  const dataset = { id, node: output.node, group, isHeld, isFollowed };
  if (isFollowed) group.isFollowed = true;
  group.outputs.push(dataset);
  execution.outputs.push(dataset);
  if (isHeld) state.outputs.set(id, dataset);
}

function groupOf(execution: Execution, id: number): Group {
  const group = execution.groups.find((one) => one.plan.id === id);
  if (group === undefined)
    throw new RangeError(`Cannot plan execution ${execution.id}: it has no group ${id}`);
  return group;
}

/** Joins the edges of the plan to what they read; returns why that is not possible. */
function connect(state: JobState, execution: Execution): WireError | undefined {
  for (const group of execution.groups) {
    const head = headEdges(group.plan.head);
    const edges = [...head, ...sideEdges(group.plan).map((side) => side.edge)];
    const producers: Producer[] = [];
    for (const edge of edges) {
      const { from } = edge;
      if (from.kind === "group") {
        producers.push(groupOf(execution, from.group));
        continue;
      }
      const found = findDataset(state, from.dataset);
      if (found === undefined) return missingError(execution, from.dataset);
      const error = brokenError(found);
      if (error !== undefined) return error;
      producers.push(found);
    }
    const offsets = unionOffsets(head, (_, i) => shardCount(producers[i]));
    for (const [i, edge] of edges.entries()) {
      join(group, { edge, producer: producers[i], isSide: i >= head.length, offset: offsets[i] ?? 0 });
    }
  }
  return undefined;
}

function brokenError(producer: Producer): WireError | undefined {
  if (producer.kind === "channel") return producer.failure;
  if (producer.execution.status.kind !== "broken") return undefined;
  return producer.execution.status.error;
}

function findDataset(state: JobState, dataset: string): Producer | undefined {
  const output = state.outputs.get(dataset);
  if (output !== undefined) return output.isHeld ? output.group : undefined;
  const channel = state.channels.get(dataset);
  return channel?.status === "lost" && channel.failure === undefined ? undefined : channel;
}

function missingError(execution: Execution, dataset: string): WireError {
  const message = `Starting execution ${execution.id}: dataset ${dataset} was released, lost or never made`;
  return toWireError(new LucioleError("dataset-missing", message, { fields: { dataset } }));
}

function join(group: Group, edge: Edge): void {
  const { producer } = edge;
  group.edges.push(edge);
  producer.consumers.add({ group, edge });
  if (producer.kind !== "group" || producer.execution === group.execution) return;
  group.execution.upstream.add(producer.execution);
  producer.execution.downstream.add(group.execution);
}

/** Looks whether an execution whose state changed is complete, has ended, or can be forgotten. */
export function settle(turn: Turn, execution: Execution): void {
  const { status } = execution;
  switch (status.kind) {
    case "running":
      if (execution.undone === 0) complete(turn, execution);
      return;
    case "recovering":
      if (execution.undone > 0) return;
      moveExecution(execution, { kind: "done" }, turn.now);
      forgetIfUnneeded(turn, execution);
      return;
    case "ending":
      if (execution.running.size === 0 && !status.isPublishing) finish(turn, execution, status.outcome);
      return;
    case "done":
    case "broken":
      forgetIfUnneeded(turn, execution);
      return;
    case "publishing":
    case "ended":
  }
}

function complete(turn: Turn, execution: Execution): void {
  const sinks = execution.plan.outputs
    .map(({ node, group }) => ({ node, group: groupOf(execution, group) }))
    .filter(({ group }) => group.plan.tail.kind === "sink")
    .map(({ node, group }) => ({ node, parts: sinkParts(group) }));
  if (sinks.length === 0) {
    conclude(turn, execution);
    return;
  }
  moveExecution(execution, { kind: "publishing" }, turn.now);
  const totals = executionTotals(execution);
  turn.commands.push({ kind: "publishSinks", execution: execution.id, sinks, totals });
}

function sinkParts(group: Group): SinkPart[] {
  const parts: SinkPart[] = [];
  for (const { status, number } of group.tasks) {
    if (status.kind !== "committed" || status.shard.sinkFile === undefined) continue;
    const { agent, id } = status.attempt;
    parts.push({ task: number, agent, attempt: id, file: status.shard.sinkFile });
  }
  return parts;
}

export function onPublished(turn: Turn, execution: Execution, error: WireError | undefined): void {
  if (execution.status.kind === "publishing") {
    const { failure } = execution.status;
    if (error !== undefined) stop(turn, execution, failure ?? { kind: "failed", error });
    else {
      conclude(turn, execution);
      if (failure !== undefined) fail(turn, execution, failure);
    }
  }
  if (execution.status.kind === "ending") {
    moveExecution(execution, { ...execution.status, isPublishing: false }, turn.now);
    turn.touched.add(execution);
  }
}

function conclude(turn: Turn, execution: Execution): void {
  moveExecution(execution, { kind: "done" }, turn.now);
  // An output may have been lost while the sinks were published.
  if (execution.undone > 0) moveExecution(execution, { kind: "recovering" }, turn.now);
  turn.commands.push(progressOf(execution), {
    kind: "executionEnded",
    execution: execution.id,
    outcome: { kind: "done", totals: executionTotals(execution), stages: stageReports(execution) },
  });
  for (const group of execution.groups) {
    if (group.plan.tail.kind === "sink") for (const task of group.tasks) releaseIfUnneeded(turn, task);
  }
  turn.touched.add(execution);
}

export function progressOf(execution: Execution): JobCommand {
  return { kind: "progress", execution: execution.id, groups: groupProgress(execution) };
}

/**
 * Ends an execution before its time; what it has running is stopped first. While it is published that waits: what is
 * published stays, so it has not failed, though its datasets are gone.
 */
export function fail(
  turn: Turn,
  execution: Execution,
  outcome: Exclude<ExecutionOutcome, { kind: "done" }>,
): void {
  if (execution.status.kind !== "publishing" || outcome.kind !== "failed") stop(turn, execution, outcome);
  else if (execution.status.failure === undefined) {
    moveExecution(execution, { kind: "publishing", failure: outcome }, turn.now);
  }
}

function stop(turn: Turn, execution: Execution, outcome: Exclude<ExecutionOutcome, { kind: "done" }>): void {
  const { kind } = execution.status;
  if (kind === "running" || kind === "publishing") {
    const isPublishing = kind === "publishing";
    moveExecution(execution, { kind: "ending", outcome, since: turn.now, isPublishing }, turn.now);
    abandon(turn, execution);
    for (const group of execution.groups) failOthers(turn, group, outcome.error);
    dropOutputs(turn, execution);
  } else if (kind === "recovering") {
    moveExecution(execution, { kind: "broken", error: outcome.error }, turn.now);
    abandon(turn, execution);
    for (const group of execution.groups) {
      if (group.present < group.tasks.length) failOthers(turn, group, outcome.error);
      for (const task of group.tasks) releaseIfUnneeded(turn, task);
    }
  } else {
    return;
  }
  releaseUpstream(turn, execution);
  turn.touched.add(execution);
}

function abandon(turn: Turn, execution: Execution): void {
  turn.state.pipelines.delete(execution);
  for (const group of execution.groups) {
    for (const task of group.tasks) {
      if (isDone(task)) continue;
      cancelTask(turn, task);
      moveTask(task, { kind: "abandoned" }, turn.now);
    }
  }
}

/** Other executions that read of it cannot go on either. */
function failOthers(turn: Turn, group: Group, error: WireError): void {
  if (group.outputs.length > 0) failReaders(turn, group, error);
}

/** Tells the end of a failed or cancelled execution, and leaves nothing of it. */
export function finish(turn: Turn, execution: Execution, outcome: ExecutionOutcome): void {
  for (const group of execution.groups) {
    for (const task of group.tasks) {
      if (task.status.kind === "committed") releaseCommitted(turn, task, task.status.attempt);
    }
  }
  moveExecution(execution, { kind: "ended" }, turn.now);
  turn.commands.push({ kind: "executionEnded", execution: execution.id, outcome });
  forget(turn, execution);
}

/** Keeps an execution as long as its outputs, or what was made of them, may have to be computed again. */
function forgetIfUnneeded(turn: Turn, execution: Execution): void {
  if (
    execution.isReplayed ||
    execution.downstream.size > 0 ||
    execution.outputs.some((output) => output.isHeld) ||
    execution.groups.some(isBeingCopied)
  )
    return;
  moveExecution(execution, { kind: "ended" }, turn.now);
  forget(turn, execution);
}

/** Its shards stay until then. */
function isBeingCopied({ isCopied, tasks }: Group): boolean {
  return isCopied && tasks.some(({ keep }) => keep.isCopying);
}

function forget(turn: Turn, execution: Execution): void {
  turn.state.executions.delete(execution.id);
  turn.state.pipelines.delete(execution);
  dropOutputs(turn, execution);
  disconnect(turn, execution);
  turn.commands.push({ kind: "executionForgotten", execution: execution.id });
}

/** Nobody can begin to read them from now on. */
function dropOutputs(turn: Turn, execution: Execution): void {
  for (const output of execution.outputs) {
    output.isHeld = false;
    turn.state.outputs.delete(output.id);
  }
}

function disconnect(turn: Turn, execution: Execution): void {
  for (const group of execution.groups) {
    for (const { producer } of group.edges) {
      for (const consumer of producer.consumers) {
        if (consumer.group === group) producer.consumers.delete(consumer);
      }
    }
  }
  releaseUpstream(turn, execution);
  for (const upstream of execution.upstream) {
    upstream.downstream.delete(execution);
    turn.touched.add(upstream);
  }
}

function releaseUpstream(turn: Turn, execution: Execution): void {
  for (const group of execution.groups) {
    for (const { producer } of group.edges) {
      if (producer.kind === "channel") releaseChannel(turn, producer);
      else if (producer.execution !== execution) {
        for (const task of producer.tasks) releaseIfUnneeded(turn, task);
      }
    }
  }
}
