/**
 * What those are told who still have to read of something that will never be there.
 *
 * Executions that fail so are ended at the end of the turn.
 */
import { ShardLostError, toWireError, type WireError } from "../../errors.ts";
import type { Channel, Execution, Producer, Task } from "../execution_state.ts";
import type { Turn } from "../turn.ts";

/** Fails the executions that still have to read of a producer that will never be there. */
export function failReaders(turn: Turn, producer: Producer, error: WireError): void {
  const failed = new Set<Execution>();
  for (const { group } of producer.consumers) {
    if (group.done < group.tasks.length && !failed.has(group.execution)) {
      failed.add(group.execution);
      turn.failures.push({ execution: group.execution, error });
    }
  }
}

export function channelError(channel: Channel): WireError {
  if (channel.failure !== undefined) return channel.failure;
  return toWireError(
    new ShardLostError(
      `Reading channel "${channel.id}": its rows on agent ${channel.agent} are ${channel.status}`,
      { retryable: false, fields: { attempt: channel.attempt, dataset: channel.id } },
    ),
  );
}

export function lostError(task: Task): WireError {
  const { execution, plan } = task.group;
  if (execution.status.kind === "broken") return execution.status.error;
  return toWireError(
    new ShardLostError(
      `Reading shard ${task.number} of ${plan.label}: it is lost, and its execution ${execution.id} is ${execution.status.kind}`,
      { retryable: false },
    ),
  );
}
