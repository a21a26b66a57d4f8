/** Orders for an agent that reads nothing of what they ask for. */
import type { TaskOrder } from "../../../core/schedule/attempts/order.ts";

export function orderOf(attempt: string, changes: Partial<TaskOrder> = {}): TaskOrder {
  return {
    execution: "e0",
    attempt,
    group: 0,
    task: 0,
    input: { pieces: [], sides: {} },
    memoryBytes: 1,
    seed: 1,
    isFollowed: false,
    ...changes,
  };
}
