/**
 * The task context that user code gets: log, counters, messages, abort signal.
 */
import type { TaskContext } from "../../core/exec/context.ts";
import type { LogRecord } from "../../core/exec/ports.ts";
import { decode, encode } from "../cbor.ts";
import type { Inbox, MessageListener } from "./inbox.ts";
import { sendableText } from "./sendable.ts";

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
    this.#options.log({ level: "info", text: sendableText(String(text)) });
  }

  count(name: string, by = 1): void {
    if (typeof by !== "number")
      throw new TypeError(`Cannot count ${name}: by must be a number, got ${typeof by}`);
    const { counters } = this.#options;
    counters[name] = (Object.hasOwn(counters, name) ? counters[name] : 0) + by;
  }

  sendToDriver(message: unknown): void {
    // Encoded here: what cannot travel is the caller's mistake, and what it changes later is not meant.
    this.#options.sendToDriver(decode(encode(message)));
  }

  on(event: "driverMessage", listener: MessageListener): void {
    if (event !== "driverMessage") {
      throw new TypeError(`Cannot listen for ${JSON.stringify(event)}: the events are "driverMessage"`);
    }
    this.#options.inbox.listen(listener);
  }
}
