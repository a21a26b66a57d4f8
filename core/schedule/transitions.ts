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
  Channel,
  Execution,
  ExecutionStatus,
  Group,
  Task,
  TaskStatus,
} from "./execution_state.ts";

export type Table<Kind extends string> = Readonly<Record<Kind, readonly Kind[]>>;

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
  publishing: ["publishing", "ending", "done"],
  ending: ["ending", "ended"],
  done: ["recovering", "ended"],
  recovering: ["done", "broken"],
  broken: ["ended"],
  ended: [],
};

export const CHANNEL_TRANSITIONS: Table<Channel["status"]> = {
  open: ["closed", "lost"],
  closed: ["released", "lost"],
  lost: [],
  released: [],
};

/** Lines of a story that are kept. */
const MAX_STORY = 40;
/** Of a task that is released. */
const KEPT_STORY = 2;
/** One for all tasks. */
const RELEASED: TaskStatus = { kind: "released" };

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
  checkMove(TASK_TRANSITIONS, { what: "task", name: () => taskName(task), from, to, story: task.history });
  tell(task.history, now, to, status.kind === "running" ? status.attempt.id : "");
  count(task.group, from, -1);
  const wasDone = task.group.done === task.group.tasks.length;
  count(task.group, to, 1);
  const group = task.group;
  task.status = to === "released" ? RELEASED : status;
  // In a long loop the tasks of all turns are kept for lineage: those that ran once have no story.
  if (to === "released") {
    const isPlain = task.launches <= 1;
    task.history.splice(0, task.history.length - (isPlain ? 0 : KEPT_STORY));
  }
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
  checkMove(ATTEMPT_TRANSITIONS, { what: "attempt", name: attempt.id, from, to, story });
  tell(story, now, `attempt ${attempt.id} ${to}`, detail);
  attempt.status = status;
}

export function moveExecution(execution: Execution, status: ExecutionStatus, now: number): void {
  const from = execution.status.kind;
  const to = status.kind;
  const story = execution.history;
  checkMove(EXECUTION_TRANSITIONS, { what: "execution", name: execution.id, from, to, story });
  tell(story, now, to, "");
  execution.status = status;
  if (isLive(execution)) execution.live.add(execution);
  else execution.live.delete(execution);
}

export function moveChannel(channel: Channel, to: Channel["status"], now: number): void {
  const { id, status: from, history: story } = channel;
  checkMove(CHANNEL_TRANSITIONS, { what: "channel", name: id, from, to, story });
  tell(story, now, to, "");
  channel.status = to;
}

/** True while its tasks may run. */
export function isActive(execution: Execution): boolean {
  const kind = execution.status.kind;
  return kind === "running" || kind === "publishing" || kind === "recovering";
}

/** True while time may change something about it: in a long loop, most are kept for lineage only. */
export function isLive(execution: Execution): boolean {
  return isActive(execution) || execution.status.kind === "ending";
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

export interface Move<Kind extends string> {
  readonly what: string;
  /** A function where the name costs something. */
  readonly name: string | (() => string);
  readonly from: Kind;
  readonly to: Kind;
  readonly story: readonly string[];
}

/** @throws {InvariantError} When the state may not follow, with the story of what it is about. */
export function checkMove<Kind extends string>(table: Table<Kind>, move: Move<Kind>): void {
  const { what, name, from, to, story } = move;
  if (table[from].includes(to)) return;
  const who = typeof name === "string" ? name : name();
  throw new InvariantError(`Moving ${what} ${who}: it is ${from}, which ${to} may not follow`, story);
}
