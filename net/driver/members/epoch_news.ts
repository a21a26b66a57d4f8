/**
 * Tells workers what becomes of their number, among the messages that they hear.
 *
 * When epochs begin and are complete is decided by core/job.
 */
import type { DriverMessages } from "./driver_messages.ts";
import type { EpochCommand } from "./job_members.ts";

export function tellEpoch(messages: DriverMessages, command: EpochCommand): void {
  const { workers, epoch } = command;
  const numbers = workers.map(({ worker }) => worker);
  if (command.kind === "allJoined") {
    messages.deliver("allWorkersJoined", [workers, epoch], numbers);
    return;
  }
  const { joined, left } = command;
  // Those that come need not hear that they do.
  const old = numbers.slice(0, numbers.length - joined);
  if (joined > 0) messages.deliver("workersScaledUp", [joined, epoch], old);
  if (left > 0) messages.deliver("workersScaledDown", [left, epoch], old);
}
