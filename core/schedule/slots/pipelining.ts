/**
 * Which groups run at once because rows are to flow through them while a channel
 * is open, and whether there are slots enough for it.
 *
 * A group is in a pipeline when it reads an open channel itself, or when rows
 * flow through it, unheld by any blocking step, towards somebody who follows.
 */
import type { Channel, Execution, Group, Pipeline } from "../execution_state.ts";

const BLOCKING = new Set(["combine", "group", "fold", "top", "sort"]);

/** Marks the groups of an execution that are pipelined and followed; call before anything of it runs. */
export function planPipeline(execution: Execution): Pipeline | undefined {
  const flows = new Set<Group>();
  const joins = new Set<Group>();
  for (const group of execution.groups) {
    if (!canJoin(group, flows)) continue;
    joins.add(group);
    if (!group.plan.steps.some((step) => BLOCKING.has(step.op))) flows.add(group);
  }
  const wanted = wantedGroups(execution, flows);
  const groups = execution.groups.filter(
    (group) => joins.has(group) && (wanted.has(group) || channelsOf(group).length > 0),
  );
  if (groups.length === 0) return undefined;
  const pending = new Set(groups.flatMap((group) => group.tasks));
  const channels = [...new Set(groups.flatMap(channelsOf))];
  for (const group of groups) {
    group.isPipelined = true;
    if (feeds(group, wanted)) group.isFollowed = true;
  }
  return { groups, channels, pending, isGang: false, isGranted: false, stuckSince: undefined };
}

/** True when the group can read what is still being written: rows come in from an open end only. */
function canJoin(group: Group, flows: ReadonlySet<Group>): boolean {
  if (group.plan.needsCommittedInput || group.plan.head.kind !== "read") return false;
  let isFlowing = false;
  for (const { producer, isSide } of group.edges) {
    const isOpen = producer.kind === "channel" ? producer.status === "open" : flows.has(producer);
    if (isOpen && isSide) return false;
    isFlowing ||= isOpen;
  }
  return isFlowing;
}

/** Groups whose rows reach a follower while the channel is open. */
function wantedGroups(execution: Execution, flows: ReadonlySet<Group>): Set<Group> {
  const wanted = new Set<Group>();
  for (const group of execution.groups.toReversed()) {
    const isEnd = group.isFollowed || group.plan.tail.kind === "discard";
    if (flows.has(group) && (isEnd || feeds(group, wanted))) wanted.add(group);
  }
  return wanted;
}

function feeds(group: Group, wanted: ReadonlySet<Group>): boolean {
  for (const { group: reader, edge } of group.consumers) {
    if (!edge.isSide && wanted.has(reader)) return true;
  }
  return false;
}

function channelsOf(group: Group): Channel[] {
  const channels: Channel[] = [];
  for (const { producer } of group.edges) {
    if (producer.kind === "channel" && producer.status === "open") channels.push(producer);
  }
  return channels;
}

/** Slots that the pipeline takes when nothing of it is done yet. */
export function pipelineSize(pipeline: Pipeline): number {
  let tasks = 0;
  for (const group of pipeline.groups) tasks += group.tasks.length - group.done;
  return tasks;
}

/** True when all that the pipeline reads beside its own rows is committed. */
export function isPipelineReady(pipeline: Pipeline): boolean {
  for (const group of pipeline.groups) {
    for (const { producer } of group.edges) {
      if (producer.kind === "channel" || producer.isPipelined) continue;
      if (producer.present < producer.tasks.length) return false;
    }
  }
  return true;
}

/** True when it can run group by group like any other: no channel is open and nothing of it runs. */
export function canDissolve(pipeline: Pipeline): boolean {
  if (pipeline.isGang || pipeline.channels.some((channel) => channel.status === "open")) return false;
  return !pipeline.groups.some((group) => group.tasks.some((task) => task.status.kind === "running"));
}
