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
  /** By number. */
  readonly #executions = new Map<number, PastExecution>();
  /** Numbers of those that the program has not asked for yet. */
  readonly #left = new Set<number>();
  #next = 0;

  constructor(records: readonly CheckpointRecord[]) {
    for (const record of records) this.#add(record);
    for (const number of this.#executions.keys()) this.#left.add(number);
  }

  /** How many executions are known to have come to their end. */
  get done(): number {
    return [...this.#executions.values()].filter(({ done }) => done !== undefined).length;
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
    const left = [...this.#left].flatMap((number) => this.#executions.get(number) ?? []);
    const alike = left.filter(({ started }) => started.digest === digest);
    const past = alike.find(({ done }) => done !== undefined) ?? alike[0];
    if (past !== undefined) {
      this.#left.delete(past.started.number);
      return { kind: "past", past };
    }
    const missed = left.find(({ done }) => done !== undefined);
    if (missed === undefined) return { kind: "new" };
    for (const number of this.#left) this.#executions.delete(number);
    this.#left.clear();
    return { kind: "diverged", expected: missed.started.flow };
  }

  /** Takes note of what the driver at hand does itself. */
  note(record: Exclude<CheckpointRecord, { kind: "opened" }>): void {
    this.#add(record);
  }

  /** The fewest records that tell the same. */
  records(): readonly CheckpointRecord[] {
    const kept: CheckpointRecord[] = [];
    for (const past of this.#executions.values()) {
      kept.push(past.started);
      const last = past.done ?? past.publishing;
      if (last !== undefined) kept.push(last);
    }
    return kept;
  }

  #add(record: CheckpointRecord): void {
    if (record.kind === "opened" || record.kind === "succeeded") return;
    const { number } = record;
    this.#next = Math.max(this.#next, number + 1);
    const before = this.#executions.get(number);
    // When it is begun again, what it published is to be published again.
    if (record.kind === "started") this.#executions.set(number, { started: record });
    else if (before !== undefined) this.#executions.set(number, { ...before, [record.kind]: record });
  }
}
