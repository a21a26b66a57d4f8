/**
 * The task context that user code gets: log, counters, messages, abort signal.
 */
import type { TaskContext } from "../../core/exec/context.ts";
import type { LogRecord } from "../../core/exec/ports.ts";
import type { Topic } from "../../core/messages/letter.ts";
import { sendableText } from "./sendable.ts";
import type { WorkerMessages } from "./worker_messages.ts";

export interface TaskContextOptions {
  readonly shard: number;
  readonly shards: number;
  readonly worker: number;
  readonly signal: AbortSignal;
  readonly messages: WorkerMessages;
  /** Takes the sums of `count`, by name. */
  readonly counters: Record<string, number>;
  readonly log: (record: LogRecord) => void;
}

/** What workers hear of their number; told as the arguments of listeners. */
const NEWS = ["workersScaledUp", "workersScaledDown", "allWorkersJoined"] as const;

function isNews(event: string): event is (typeof NEWS)[number] {
  return NEWS.some((name) => name === event);
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

  sendToDriver(message: unknown): PromiseLike<void> {
    return this.#options.messages.send(message);
  }

  on(event: Topic, listener: (...told: never[]) => unknown): void {
    if (event === "driverMessage") {
      this.#options.messages.listen(event, listener);
    } else if (isNews(event)) {
      this.#options.messages.listen(event, (told: readonly never[]) => listener(...told));
    } else {
      const events = ["driverMessage", ...NEWS].map((name) => `"${name}"`).join(", ");
      throw new TypeError(`Cannot listen for ${JSON.stringify(event)}: the events are ${events}`);
    }
  }
}
