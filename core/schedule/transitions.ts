/**
 * Which state may follow which, for executions, tasks and attempts, and the only
 * functions that change one.
 *
 * They keep the counters of a group true and write the story that an error tells.
 * docs/states.md shows the tables; a test compares both.
 */
import type {
  Attempt,
  AttemptStatus,
  Execution,
  ExecutionStatus,
  Group,
  Task,
  TaskStatus,
} from "./execution_state.ts";

type Table<Kind extends string> = Readonly<Record<Kind, readonly Kind[]>>;

export const TASK_TRANSITIONS: Table<TaskStatus["kind"]> = {
  waiting: ["ready", "running", "released", "abandoned"],
  ready: ["waiting", "running", "released", "abandoned"],
  // To itself: its attempt went, and the copy goes on.
  running: ["waiting", "running", "committed", "released", "abandoned"],
  committed: ["waiting", "released"],
  released: ["waiting"],
  abandoned: [],
};

export const ATTEMPT_TRANSITIONS: Table<AttemptStatus["kind"]> = {
  launched: ["running", "committed", "failed", "lost", "cancelling"],
  running: ["committed", "failed", "lost", "cancelling"],
  cancelling: ["cancelled", "released", "lost"],
  committed: ["released", "lost"],
  failed: [],
  lost: [],
  cancelled: [],
  released: [],
};

export const EXECUTION_TRANSITIONS: Table<ExecutionStatus["kind"]> = {
  running: ["publishing", "ending", "done"],
  publishing: ["ending", "done"],
  ending: ["ending", "ended"],
  done: ["recovering", "ended"],
  recovering: ["done", "broken"],
  broken: ["ended"],
  ended: [],
};

/** Lines of a story that are kept. */
const MAX_STORY = 40;

/** The scheduler broke one of its own rules; its message holds the story of what it is about. */
export class InvariantError extends Error {
  readonly story: readonly string[];

  constructor(message: string, story: readonly string[]) {
    super(story.length === 0 ? message : `${message}; its story: ${story.join("; ")}`);
    this.name = "InvariantError";
    this.story = story;
  }
}

export function taskName(task: Task): string {
  return `${task.group.execution.id}-${task.group.plan.id}-${task.number}`;
}

export function moveTask(task: Task, status: TaskStatus, now: number): void {
  const from = task.status.kind;
  const to = status.kind;
  if (!TASK_TRANSITIONS[from].includes(to)) refuse("task", taskName(task), from, to, task.history);
  tell(task.history, now, to, status.kind === "running" ? status.attempt.id : "");
  count(task.group, from, -1);
  const wasDone = task.group.done === task.group.tasks.length;
  count(task.group, to, 1);
  const group = task.group;
  task.status = status;
  if (isDoneKind(from)) group.done -= 1;
  if (isDoneKind(to)) group.done += 1;
  const isDone = group.done === group.tasks.length;
  if (wasDone !== isDone) group.execution.undone += isDone ? -1 : 1;
  if (group.isPipelined) {
    if (to === "waiting") group.execution.pipeline?.pending.add(task);
    else group.execution.pipeline?.pending.delete(task);
  }
}

export function moveAttempt(attempt: Attempt, status: AttemptStatus, now: number, detail = ""): void {
  const from = attempt.status.kind;
  const to = status.kind;
  const story = attempt.task.history;
  if (!ATTEMPT_TRANSITIONS[from].includes(to)) refuse("attempt", attempt.id, from, to, story);
  tell(story, now, `attempt ${attempt.id} ${to}`, detail);
  attempt.status = status;
}

export function moveExecution(execution: Execution, status: ExecutionStatus, now: number): void {
  const from = execution.status.kind;
  const to = status.kind;
  if (!EXECUTION_TRANSITIONS[from].includes(to)) {
    refuse("execution", execution.id, from, to, execution.history);
  }
  tell(execution.history, now, to, "");
  execution.status = status;
}

/** True while its tasks may run. */
export function isActive(execution: Execution): boolean {
  const kind = execution.status.kind;
  return kind === "running" || kind === "publishing" || kind === "recovering";
}

export function isDone(task: Task): boolean {
  return isDoneKind(task.status.kind);
}

/** The tables as text, one line a state. */
export function renderTransitions(table: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(table)
    .map(([from, to]) => `- ${from} → ${to.length === 0 ? "(end)" : to.join(", ")}`)
    .join("\n");
}

function isDoneKind(kind: TaskStatus["kind"]): boolean {
  return kind === "committed" || kind === "released" || kind === "abandoned";
}

function count(group: Group, kind: TaskStatus["kind"], by: number): void {
  if (kind === "committed") group.present += by;
  else if (kind === "released") group.released += by;
  else if (kind === "ready") group.readyCount += by;
}

function tell(story: string[], now: number, what: string, detail: string): void {
  if (story.length >= MAX_STORY) story.shift();
  story.push(detail === "" ? `${now} ${what}` : `${now} ${what} ${detail}`);
}

function refuse(what: string, name: string, from: string, to: string, story: readonly string[]): never {
  throw new InvariantError(`Moving ${what} ${name}: it is ${from}, which ${to} may not follow`, story);
}
