/**
 * How long the tasks of each group take, and how many orders a worker therefore gets at a time.
 *
 * A worker that has several short tasks in hand asks once for all of them. What it holds no other worker can begin, so
 * it is never much.
 */
import type { TaskOrder } from "../schedule/attempts/order.ts";
import type { AttemptResult } from "../schedule/report.ts";

/** Of work that a worker holds at a time, about. */
const HAND_MS = 8;
/** Of work that is not worth a request of its own: what one worker has left at the end when the others are done. */
const LEAST_MS = 2;
export const MAX_HAND = 64;
/** Groups that are remembered. */
const MAX_GROUPS = 100;

export class TaskPace {
  readonly #ms = new Map<string, number>();

  /** Takes note how an attempt at an order went. */
  note(order: TaskOrder, result: AttemptResult): void {
    if (result.kind !== "committed" || result.ms === undefined) return;
    const group = groupOf(order);
    const before = this.#ms.get(group);
    if (before === undefined && this.#ms.size >= MAX_GROUPS) this.#ms.clear();
    this.#ms.set(group, before === undefined ? result.ms : (before + result.ms) / 2);
  }

  /** How many orders like this one a worker gets at once, when so many wait for so many workers. */
  handSize(order: TaskOrder, waiting: number, workers: number): number {
    const ms = this.#ms.get(groupOf(order));
    if (ms === undefined || order.isFollowed) return 1;
    const within = (limitMs: number) => Math.min(MAX_HAND, Math.floor(limitMs / Math.max(ms, 0.001)));
    const fair = Math.ceil(waiting / (2 * workers));
    return Math.max(1, within(LEAST_MS), Math.min(fair, within(HAND_MS)));
  }
}

/** Whether a worker may hold both at a time. */
export function goTogether(a: TaskOrder, b: TaskOrder): boolean {
  return groupOf(a) === groupOf(b) && !a.isFollowed && !b.isFollowed;
}

function groupOf({ execution, group }: TaskOrder): string {
  return `${execution}/${group}`;
}
