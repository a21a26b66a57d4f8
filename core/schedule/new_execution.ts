/**
 * Makes the records of an execution that begins: its groups and their tasks, of which
 * none has run.
 */
import type { PhysicalPlan, TaskGroupPlan } from "../plan/physical.ts";
import type { Share } from "../plan/shares.ts";
import type { CompareKeys } from "../plan/splitters.ts";
import type { Execution, ExecutionLimits, Group, Task } from "./execution_state.ts";
import { NO_TOTALS } from "./report.ts";
import { ReadyTasks } from "./slots/ready_tasks.ts";

export function createExecution(
  id: string,
  { nextAge: age, live }: { readonly nextAge: number; readonly live: Set<Execution> },
  plan: PhysicalPlan,
  compare: ReadonlyMap<number, CompareKeys>,
  limits: ExecutionLimits = {},
): Execution {
  const execution: Execution = {
    id,
    age,
    plan,
    compare,
    workers: limits.workers && new Set(limits.workers),
    memoryBytes: limits.memoryBytes,
    maxAttempts: limits.maxAttempts,
    groups: [],
    outputs: [],
    running: new Set(),
    live,
    upstream: new Set(),
    downstream: new Set(),
    status: { kind: "running" },
    undone: 0,
    pipeline: undefined,
    slotlessSince: undefined,
    warnings: 0,
    isReplayed: false,
    isChanged: true,
    history: [],
  };
  for (const group of plan.groups) execution.groups.push(createGroup(execution, group));
  execution.undone = execution.groups.filter((group) => group.tasks.length > 0).length;
  return execution;
}

function createGroup(execution: Execution, plan: TaskGroupPlan): Group {
  const tasks: Task[] = [];
  const group: Group = {
    kind: "group",
    execution,
    plan,
    tasks,
    starts: undefined,
    edges: [],
    consumers: new Set(),
    outputs: [],
    ready: new ReadyTasks(),
    stage: { attempts: 0, startedAt: 0, endedAt: 0, totals: NO_TOTALS },
    present: 0,
    done: 0,
    released: 0,
    readyCount: 0,
    isPipelined: false,
    isFollowed: false,
    paceMs: undefined,
    durations: [],
    partitionBytes: new Float64Array(partitionsOf(plan) > 1 ? partitionsOf(plan) : plan.tasks),
    rowsBefore: undefined,
    bytesRead: undefined,
    splitters: undefined,
    isCopied: false,
    hasKept: false,
  };
  for (let i = 0; i < plan.tasks; i += 1) tasks.push(createTask(group, i, i));
  return group;
}

export function partitionsOf(plan: TaskGroupPlan): number {
  return "partitions" in plan.tail ? plan.tail.partitions : 1;
}

export function createTask(group: Group, number: number, shard: number, share?: Share): Task {
  return {
    group,
    number,
    shard,
    share,
    status: { kind: "waiting" },
    copy: undefined,
    copies: 0,
    launches: 0,
    failures: 0,
    losses: 0,
    firstError: undefined,
    lastError: undefined,
    firstLoss: undefined,
    avoid: undefined,
    restsUntil: Number.NEGATIVE_INFINITY,
    isRevived: false,
    keep: { isKept: false, isRestoring: false, isCopying: false },
    history: [],
  };
}
