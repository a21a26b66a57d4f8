/**
 * How a driver program sends messages to workers: the type, made for users, and what it stands for.
 */
import type { DriverMessages } from "./driver_messages.ts";

/**
 * Sends values to the `driverMessage` listeners of workers.
 *
 * Each worker hears its messages in order, and each of them once; they wait for it where no task listens yet. A worker
 * that crashes is followed by another process of the same number, which hears what the one before did not, and may
 * hear once more what that heard within its last moments. A worker that is removed, or whose agent is lost, hears no more.
 *
 * The promises resolve when a message is on its way, and at most 8,192 messages or 8 MiB of them wait for the worker to
 * hear them: who awaits them sends no faster than workers listen. They need not be awaited; but what waits beyond 64 MiB
 * is refused.
 *
 * @example Asking running tasks to stop
 * ```ts
 * import { flow, type Messenger, run } from "luciole";
 * const stop = (messenger: Messenger): Promise<void> => messenger.broadcast("stop");
 * const waiting = flow("waiting", (f) =>
 *   f.generate(1, async function* (_, ctx) {
 *     const told = new Promise((resolve) => ctx.on("driverMessage", resolve));
 *     ctx.sendToDriver("listening");
 *     yield `told to ${await told}`;
 *   }));
 * await run(async (job) => {
 *   job.on("workerMessage", () => stop(job.messenger));
 *   console.log(await (await job.execute(waiting)).collect()); // ["told to stop"]
 * });
 * ```
 */
export interface Messenger {
  /**
   * Sends a value to every worker of the epoch: to all or to none. Workers that come later do not hear it.
   *
   * @param message Anything that CBOR can carry.
   * @throws {LucioleError} Code "messages-refused", if too many messages wait, or wait where nobody listens.
   */
  broadcast(message: unknown): Promise<void>;
  /**
   * Sends a value to some workers: to all of them or to none.
   *
   * @param message Anything that CBOR can carry.
   * @param workers Their numbers, from 0.
   * @throws {LucioleError} Code "not-found", if one of them is not of the job; "messages-refused", if too many messages
   * wait, or wait where nobody listens, or one has gone.
   */
  sendToWorkers(message: unknown, workers: readonly number[]): Promise<void>;
  /**
   * Sends a value to one worker.
   *
   * @param message Anything that CBOR can carry.
   * @param worker Its number, from 0.
   * @throws {LucioleError} As `sendToWorkers`.
   */
  sendToWorker(message: unknown, worker: number): Promise<void>;
}

/** Sends by the messages of a job. */
export function createMessenger(messages: DriverMessages): Messenger {
  return {
    broadcast: (message) => messages.send(message, "all"),
    sendToWorkers: (message, workers) => messages.send(message, workers),
    sendToWorker: (message, worker) => messages.send(message, [worker]),
  };
}
