/**
 * What an earlier driver of the same program did, and which of it the driver at hand need not do again.
 *
 * An execution is known by its digest: its flow, its graph, its parameters, and where the datasets among them come
 * from. What is alike is taken in the order of its numbers, what is done first. A program that wants something else
 * while there is something done that it has not asked for takes another way than it did: from there on nothing is
 * taken, since files that its flows wrote meanwhile may not be what they were.
 */
import type { CheckpointRecord, DoneRecord, PublishingRecord, StartedRecord } from "./records.ts";

/** An execution of an earlier driver. */
export interface PastExecution {
  readonly started: StartedRecord;
  readonly publishing?: PublishingRecord;
  readonly done?: DoneRecord;
}

export type Found =
  /** As far as it came. */
  | { readonly kind: "past"; readonly past: PastExecution }
  | { readonly kind: "new" }
  /** The program took another way; `expected` is the flow that it ran before. */
  | { readonly kind: "diverged"; readonly expected: string };

export class History {
  /** By number, those that were taken included. */
  readonly #executions = new Map<number, { past: PastExecution; isTaken: boolean }>();
  #next = 0;

  constructor(records: readonly CheckpointRecord[]) {
    for (const record of records) this.#add(record);
  }

  /** How many executions are known to have come to their end. */
  get done(): number {
    return [...this.#executions.values()].filter(({ past }) => past.done !== undefined).length;
  }

  /** Whether a number is that of an execution that the program may ask for, or has. */
  has(number: number): boolean {
    return this.#executions.has(number);
  }

  /** The number of an execution that is new. */
  nextNumber(): number {
    return this.#next++;
  }

  /** Finds what is alike and takes it: nobody else gets it. */
  take(digest: string): Found {
    const left = [...this.#executions.values()].filter(({ isTaken }) => !isTaken);
    const alike = left.filter(({ past }) => past.started.digest === digest);
    const found = alike.find(({ past }) => past.done !== undefined) ?? alike[0];
    if (found !== undefined) {
      found.isTaken = true;
      return { kind: "past", past: found.past };
    }
    const missed = left.find(({ past }) => past.done !== undefined);
    if (missed === undefined) return { kind: "new" };
    for (const { past } of left) this.#executions.delete(past.started.number);
    return { kind: "diverged", expected: missed.past.started.flow };
  }

  /** Takes note of what the driver at hand does itself. */
  note(record: Exclude<CheckpointRecord, { kind: "opened" }>): void {
    this.#add(record);
    const entry = this.#executions.get(record.number);
    if (entry !== undefined) entry.isTaken = true;
  }

  /** The fewest records that tell the same. */
  records(): readonly CheckpointRecord[] {
    const kept: CheckpointRecord[] = [];
    for (const { past } of this.#executions.values()) {
      kept.push(past.started);
      const last = past.done ?? past.publishing;
      if (last !== undefined) kept.push(last);
    }
    return kept;
  }

  #add(record: CheckpointRecord): void {
    if (record.kind === "opened") return;
    const { number } = record;
    this.#next = Math.max(this.#next, number + 1);
    const before = this.#executions.get(number);
    if (record.kind === "started") {
      // It was begun again: what it published is to be published again.
      this.#executions.set(number, { past: { started: record }, isTaken: before?.isTaken ?? false });
    } else if (before !== undefined) {
      before.past = { ...before.past, [record.kind]: record };
    }
  }
}
