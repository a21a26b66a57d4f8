/**
 * The form of everything that rows pass through inside a task group.
 *
 * Rows are pushed, synchronously: an operator calls the next one itself. What is
 * asynchronous (user generators, child processes) queues its input and tells by
 * `drained` when there is room again; the task waits for that between batches
 * only. An operator never knows what feeds it or where its rows go.
 */
import type { Batch } from "../batch/column.ts";
import type { TextRuns } from "../key/text_runs.ts";

export interface Operator {
  /** Takes one row. */
  row(row: unknown): void;
  /** Takes the row [key, value] without it being made; set on operators that want the two apart. */
  pair?(key: unknown, value: unknown): void;
  /** Takes a batch; an operator that works on columns never makes rows of it. */
  batch(batch: Batch): void;
  /** Takes strings where they lie, good until it returns; set on operators that need no column made of them. */
  texts?(runs: TextRuns): void;
  /** Hands on what is held only to make batches larger; somebody waits for it. */
  flush?(): void;
  /** Takes the end of the input: emits what is held back, then finishes the next operator. */
  finish(): void | Promise<void>;
  /** True once no further row can matter (a limit was reached): the head stops reading. */
  isDone?(): boolean;
  /**
   * Set on asynchronous operators and on those that pass rows on at once, which ask the next one:
   * resolves when there is room, undefined when there is now.
   */
  drained?(): Promise<void> | undefined;
  /** Releases memory, spill files and child processes; called once, after finish or after a failure. */
  close?(): void;
}
