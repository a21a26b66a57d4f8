/**
 * The frame of steps that wait: a queue in front, work that reads it, and an end
 * that comes also when the work never ends by itself.
 *
 * It knows nothing of what the work is.
 */
import type { Batch } from "../../batch/column.ts";
import { CancelledError } from "../../errors.ts";
import type { Operator } from "../operator.ts";
import type { TaskScope } from "../task_scope.ts";
import { Feed } from "./feed.ts";

/** Where the work's rows go. */
export interface AsyncOutput {
  row(row: unknown): void;
  batch(batch: Batch): void;
  /** True when no further row matters or the task is over: the work should end. */
  isDone(): boolean;
  /** What to wait for before more rows, if anything. */
  room(): Promise<void> | undefined;
}

export interface AsyncWork {
  /** Named in messages: `mapShards`. */
  readonly name: string;
  /** Reads the queue to its end, or returns early. Errors are the step's own. */
  run(feed: Feed, output: AsyncOutput): Promise<void>;
  /** Makes `run` end soon; it does not wait and is called at most once. */
  abort(): void;
}

export function createAsyncOperator(scope: TaskScope, work: AsyncWork, next: Operator): Operator {
  return new AsyncOperator(scope, work, next);
}

class AsyncOperator implements Operator {
  readonly #scope: TaskScope;
  readonly #work: AsyncWork;
  readonly #next: Operator;
  readonly #feed = new Feed();
  readonly #ended: Promise<void>;
  #end: () => void = () => undefined;
  #state: "idle" | "running" | "ended" | "aborted" = "idle";
  #failure: { readonly error: unknown } | undefined;

  constructor(scope: TaskScope, work: AsyncWork, next: Operator) {
    this.#scope = scope;
    this.#work = work;
    this.#next = next;
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  row(row: unknown): void {
    this.#start();
    this.#feed.row(row);
  }

  batch(batch: Batch): void {
    this.#start();
    this.#feed.batch(batch);
  }

  isDone(): boolean {
    return this.#feed.isStopped || (this.#next.isDone?.() ?? false);
  }

  drained(): Promise<void> | undefined {
    return this.#feed.drained() ?? this.#next.drained?.();
  }

  async finish(): Promise<void> {
    this.#start();
    this.#feed.end();
    await this.#ended;
    if (this.#failure !== undefined) throw this.#failure.error;
    await this.#next.finish();
  }

  close(): void {
    this.#abort(`Cannot go on with ${this.#work.name}: the step is closed`);
    this.#scope.ports.signal.removeEventListener("abort", this.#onAbort);
  }

  #start(): void {
    if (this.#state !== "idle") return;
    this.#state = "running";
    const { signal } = this.#scope.ports;
    signal.addEventListener("abort", this.#onAbort);
    if (signal.aborted) this.#onAbort();
    else void this.#run();
  }

  readonly #onAbort = (): void => {
    this.#abort(`Cannot go on with ${this.#work.name}: the task was cancelled`);
  };

  async #run(): Promise<void> {
    const output: AsyncOutput = {
      row: (row) => {
        if (this.#state === "running") this.#next.row(row);
      },
      batch: (batch) => {
        if (this.#state === "running") this.#next.batch(batch);
      },
      isDone: () => this.#state !== "running" || (this.#next.isDone?.() ?? false),
      room: () => this.#next.drained?.() ?? this.#scope.ports.breathe?.(),
    };
    try {
      await this.#work.run(this.#feed, output);
    } catch (error) {
      // What fails after an abort fails because of it.
      if (this.#state === "running") this.#failure = { error };
    }
    if (this.#state === "running") this.#state = "ended";
    this.#feed.stop();
    this.#end();
  }

  #abort(message: string): void {
    if (this.#state === "ended" || this.#state === "aborted") return;
    const wasRunning = this.#state === "running";
    this.#state = "aborted";
    this.#failure = { error: new CancelledError(message) };
    this.#feed.stop();
    if (wasRunning) this.#work.abort();
    this.#end();
  }
}
