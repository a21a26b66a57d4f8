/**
 * Runs one attempt: from its order to its result, with its files whole or gone.
 */
import { setImmediate } from "node:timers";
import { CancelledError, describeThrown, ProtocolError, TaskError, toWireError } from "../../core/errors.ts";
import { runTaskGroup } from "../../core/exec/task.ts";
import type { TaskOrder } from "../../core/schedule/attempts/order.ts";
import type { ShardReport } from "../../core/schedule/report.ts";
import type { PerformedAttempt } from "../protocol.ts";
import type { AttemptHost } from "./attempt_host.ts";
import type { KnownExecution } from "./execution_cache.ts";
import { locatedError } from "./located_error.ts";
import { sendableError } from "./sendable.ts";
import { WorkerTaskContext } from "./task_context.ts";
import { WorkerTaskPorts } from "./task_ports.ts";

/** @param crashed Rejects when user code failed outside of the promises that the task waits for. */
export async function runAttempt(
  order: TaskOrder,
  host: AttemptHost,
  crashed: Promise<never>,
): Promise<Omit<PerformedAttempt, "attempt">> {
  const counters: Record<string, number> = {};
  const ports = new WorkerTaskPorts(order, host, counters);
  try {
    const lost = crashed.catch(uncaught);
    host.signal.throwIfAborted();
    const execution = host.executions.find(order.execution);
    const start = performance.now();
    const shard = await Promise.race([run(order, host, ports, counters, execution), lost]);
    // Runtimes tell of a rejection that nobody handles after the microtasks only.
    await Promise.race([new Promise((resolve) => setImmediate(resolve)), lost]);
    host.signal.throwIfAborted();
    const { held, ...written } = ports.commit(shard);
    const ms = performance.now() - start;
    const result = { kind: "committed", ...written, totals: ports.totals, ms } as const;
    return held === undefined ? { result } : { result, held };
  } catch (error) {
    ports.discard();
    const isCancelled = host.signal.reason instanceof CancelledError;
    const wire = toWireError(isCancelled ? host.signal.reason : error);
    const cause = locatedError(sendableError(wire), host.agent);
    return { result: { kind: "failed", error: cause, totals: ports.totals } };
  }
}

async function run(
  order: TaskOrder,
  host: AttemptHost,
  ports: WorkerTaskPorts,
  counters: Record<string, number>,
  { graph, plan: physical }: KnownExecution,
): Promise<ShardReport> {
  const plan = physical.groups.find((group) => group.id === order.group);
  if (plan === undefined) {
    throw new ProtocolError(
      `Cannot run ${order.attempt}: execution ${order.execution} has no group ${order.group}`,
    );
  }
  const context = new WorkerTaskContext({
    shard: order.task,
    shards: plan.tasks,
    worker: host.worker,
    signal: host.signal,
    messages: host.messages,
    counters,
    log: (record) => host.log(record),
  });
  const { kept } = host.executions;
  return await runTaskGroup({ graph, plan, task: order.task, input: order.input, context, ports, kept });
}

function uncaught(error: unknown): never {
  const what = describeThrown(error);
  throw new TaskError(`Cannot go on with the task: an error was not caught: ${what}`, { cause: error });
}
