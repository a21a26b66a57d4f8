/**
 * Gangs: the tasks of a worker program, which run together, each on a worker of its own, or not at all.
 *
 * Says which worker each task gets and which shards of the inputs it reads. It launches nothing.
 */
import type { GangOrder } from "../../collectives/letter.ts";
import type { Agent } from "../agent_state.ts";
import { isResting } from "../attempts/resting.ts";
import type { Execution, Group, Pipeline, Task } from "../execution_state.ts";
import type { JobState } from "../job_state.ts";
import { areInputsCommitted } from "../shards/inputs.ts";
import type { Turn } from "../turn.ts";
import { setOf } from "./slots.ts";
import { isIn } from "./worker_sets.ts";

/** A worker that reads so many times its even share of a dataset gets no more of it, wherever the rest lies. */
const MOST_SHARE = 1.5;

/** The gang of an execution whose plan is a worker program; call before anything of it runs. */
export function planGang(execution: Execution): Pipeline | undefined {
  const group = execution.groups.find(({ plan }) => plan.head.kind === "worker");
  if (group === undefined) return undefined;
  group.isPipelined = true;
  const pending = new Set(group.tasks);
  return { groups: [group], channels: [], pending, isGang: true, isGranted: false, stuckSince: undefined };
}

/** What each task of a gang that starts now is told. */
export interface GangStart {
  readonly task: Task;
  readonly agent: Agent;
  readonly worker: number;
  readonly order: GangOrder;
  /** For each input, the task that reads what each task of its producer wrote. */
  readonly dealt: readonly (readonly number[])[];
}

/** Whether all of its tasks wait for nothing but workers. */
export function isGangReady(turn: Turn, { groups: [{ tasks }], pending }: Pipeline): boolean {
  return (
    pending.size === tasks.length && tasks.every((task) => !isResting(turn, task) && areInputsCommitted(task))
  );
}

/** Whether other workers may come in the place of those that it has lost. */
export function mayMove({ isGang, groups: [{ tasks }] }: Pipeline): boolean {
  return isGang && tasks[0].launches > 0;
}

/** Where its tasks would run; undefined while too few workers are free. */
export function gangStarts(
  state: JobState,
  execution: Execution,
  { groups: [group] }: Pipeline,
): readonly GangStart[] | undefined {
  const { tasks } = group;
  const set = setOf(state, execution);
  const free = [...state.agents.values()].flatMap((agent) =>
    agent.isBroken
      ? []
      : [...agent.free].filter((worker) => isIn(worker, set)).map((worker) => ({ worker, agent })),
  );
  if (free.length < tasks.length) return undefined;
  const seats = free.sort((a, b) => a.worker - b.worker).slice(0, tasks.length);
  const members = seats.map(({ worker, agent: { id } }) => {
    return { worker, agent: id, host: state.hosts.get(worker) ?? id };
  });
  const id = `${execution.id}-${group.plan.id}-g${tasks[0].launches + 1}`;
  const dealt = group.edges.map((_, input) => deal(group, input, members));
  return tasks.map((task, rank) => {
    return { task, ...seats[rank], order: { id, rank, members, epoch: state.epoch }, dealt };
  });
}

/** Gives each shard of an input to one member: of its own agent, and to who has the least of it. */
function deal(group: Group, input: number, members: GangOrder["members"]): readonly number[] {
  const { producer } = group.edges[input];
  if (producer.kind === "channel") return [0];
  const held = new Float64Array(members.length);
  const sizes = producer.tasks.map(bytesOf);
  const most = (MOST_SHARE * sizes.reduce((sum, { bytes }) => sum + bytes, 0)) / members.length;
  const readers = new Map<number, number>();
  return producer.tasks.map(({ shard }, i) => {
    const { agent, bytes } = sizes[i];
    const known = readers.get(shard);
    const own =
      known ??
      leastOf(
        held,
        (rank) => members[rank].agent === agent && (held[rank] === 0 || held[rank] + bytes <= most),
      );
    const reader = own ?? leastOf(held, () => true) ?? 0;
    readers.set(shard, reader);
    held[reader] += bytes;
    return reader;
  });
}

function leastOf(held: Float64Array, isAllowed: (rank: number) => boolean): number | undefined {
  let least: number | undefined;
  for (let rank = 0; rank < held.length; rank += 1) {
    if (isAllowed(rank) && (least === undefined || held[rank] < held[least])) least = rank;
  }
  return least;
}

function bytesOf({ status }: Task): { readonly agent: string | undefined; readonly bytes: number } {
  if (status.kind !== "committed") return { agent: undefined, bytes: 0 };
  // Shards without bytes are dealt out, too.
  const bytes = status.shard.partitions.reduce((sum, partition) => sum + partition.bytes, 1);
  return { agent: status.attempt.agent, bytes };
}

/** Why a gang cannot start any more, and what took its workers away. */
export function gangRefusal(state: JobState, { groups }: Pipeline, slots: number): string {
  const [{ tasks, plan }] = groups;
  const loss = tasks.find(({ firstLoss }) => firstLoss !== undefined)?.firstLoss;
  const first = loss === undefined ? "" : `; first: ${loss}`;
  return `the ${tasks.length} workers of ${plan.label} must run together (epoch ${state.epoch}), and there are ${slots}${first}`;
}
