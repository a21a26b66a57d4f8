/**
 * Which workers may perform what: the set that an execution is bound to, or all of them.
 *
 * It knows numbers only, neither agents nor slots.
 */

/** Numbers of workers; undefined: all workers. */
export type WorkerSet = ReadonlySet<number> | undefined;

export function isIn(worker: number, set: WorkerSet): boolean {
  return set === undefined || set.has(worker);
}

/** True when a worker may be in both. */
export function overlap(a: WorkerSet, b: WorkerSet): boolean {
  if (a === undefined || b === undefined) return true;
  for (const worker of a) if (b.has(worker)) return true;
  return false;
}

/** Workers that are in both. */
export function meet(a: ReadonlySet<number>, b: WorkerSet): ReadonlySet<number> {
  return b === undefined ? a : new Set([...a].filter((worker) => b.has(worker)));
}
