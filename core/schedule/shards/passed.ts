/**
 * What one round of dispatching has passed over: groups that found no slot, and pipelines that wait for all of theirs,
 * with the workers that are kept for these from what is younger.
 */
import type { Execution, Group } from "../execution_state.ts";
import { overlap, type WorkerSet } from "../slots/worker_sets.ts";

export class Passed {
  readonly #over = new Set<Group | Execution>();
  readonly #sets: WorkerSet[] = [];
  readonly #kept = new Set<number>();

  has(one: Group | Execution): boolean {
    return this.#over.has(one);
  }

  add(group: Group, set: WorkerSet): void {
    this.#over.add(group);
    this.#sets.push(set);
  }

  /** Nothing younger takes a slot of what the pipeline waits for. @returns False when that leaves nothing. */
  keep(gang: Execution, set: WorkerSet): boolean {
    if (set === undefined) return false;
    this.#over.add(gang);
    this.#sets.push(set);
    for (const worker of set) this.#kept.add(worker);
    return true;
  }

  /** Workers of a set that are not kept; `all` must be given for the set of all workers. */
  leftOf(set: WorkerSet, all: () => Iterable<number>): WorkerSet {
    if (this.#kept.size === 0) return set;
    return new Set([...(set ?? all())].filter((worker) => !this.#kept.has(worker)));
  }

  /** True when something older that found no slot may be performed by a worker of the set. */
  overlaps(set: WorkerSet): boolean {
    return this.#sets.some((other) => overlap(other, set));
  }
}
