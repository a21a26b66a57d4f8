/**
 * The task context that user code gets: log, counters, messages, abort signal.
 */
import type { TaskContext } from "../../core/exec/context.ts";
import type { LogRecord } from "../../core/exec/ports.ts";
import type { Inbox, MessageListener } from "./inbox.ts";

export interface TaskContextOptions {
  readonly shard: number;
  readonly shards: number;
  readonly worker: number;
  readonly signal: AbortSignal;
  readonly inbox: Inbox;
  /** Takes the sums of `count`, by name. */
  readonly counters: Record<string, number>;
  readonly log: (record: LogRecord) => void;
  readonly sendToDriver: (message: unknown) => void;
}

export class WorkerTaskContext implements TaskContext {
  readonly shard: number;
  readonly shards: number;
  readonly worker: number;
  readonly signal: AbortSignal;
  readonly #options: TaskContextOptions;

  constructor(options: TaskContextOptions) {
    this.shard = options.shard;
    this.shards = options.shards;
    this.worker = options.worker;
    this.signal = options.signal;
    this.#options = options;
  }

  log(text: string): void {
    this.#options.log({ level: "info", text: String(text) });
  }

  count(name: string, by = 1): void {
    const { counters } = this.#options;
    counters[name] = (counters[name] ?? 0) + by;
  }

  sendToDriver(message: unknown): void {
    this.#options.sendToDriver(message);
  }

  on(event: "driverMessage", listener: MessageListener): void {
    if (event !== "driverMessage") {
      throw new TypeError(`Cannot listen for ${JSON.stringify(event)}: the events are "driverMessage"`);
    }
    this.#options.inbox.listen(listener);
  }
}
