/**
 * Which workers an execution gets that asks for a number of them: the default of scheduling graphs.
 *
 * Pure: it is told who is there, who is taken and where inputs lie. Of the workers that no other execution was given it
 * takes those that perform nothing first, then those whose agent holds most of what the execution reads, then by number.
 */

/** A worker that is there. */
export interface WorkerPlace {
  readonly worker: number;
  readonly agent: string;
  /** It performs a task now. */
  readonly isBusy: boolean;
}

export interface PlaceRequest {
  readonly count: number;
  /** Workers of one agent that stand behind each of them, itself included: their processors and memory are for it. */
  readonly width: number;
  /** Bytes that it reads, by agent. */
  readonly inputs: ReadonlyMap<string, number>;
}

/** A worker that was chosen, and the others that are left idle for it. */
interface Unit {
  readonly workers: readonly number[];
  readonly isBusy: boolean;
  readonly inputBytes: number;
}

export interface ChosenWorkers {
  /** Those that perform tasks, by number. */
  readonly workers: readonly number[];
  /** Those and the ones that are left idle for them. */
  readonly taken: readonly number[];
}

/** @returns Undefined when there are too few. */
export function chooseWorkers(
  free: readonly WorkerPlace[],
  { count, width, inputs }: PlaceRequest,
): ChosenWorkers | undefined {
  const units = unitsOf(free, width, inputs).toSorted(byPreference).slice(0, count);
  if (units.length < count) return undefined;
  return {
    workers: units.map(({ workers }) => workers[0]).toSorted((a, b) => a - b),
    taken: units.flatMap(({ workers }) => workers).toSorted((a, b) => a - b),
  };
}

/** How many could be had at most. */
export function mostWorkers(places: readonly WorkerPlace[], width: number): number {
  return unitsOf(places, width, new Map()).length;
}

function unitsOf(
  places: readonly WorkerPlace[],
  width: number,
  inputs: ReadonlyMap<string, number>,
): readonly Unit[] {
  const units: Unit[] = [];
  for (const [agent, own] of Map.groupBy(places, (place) => place.agent)) {
    const idleFirst = own.toSorted((a, b) => Number(a.isBusy) - Number(b.isBusy) || a.worker - b.worker);
    for (let from = 0; from + width <= idleFirst.length; from += width) {
      const some = idleFirst.slice(from, from + width);
      units.push({
        workers: some.map(({ worker }) => worker),
        isBusy: some.some(({ isBusy }) => isBusy),
        inputBytes: inputs.get(agent) ?? 0,
      });
    }
  }
  return units;
}

function byPreference(a: Unit, b: Unit): number {
  return Number(a.isBusy) - Number(b.isBusy) || b.inputBytes - a.inputBytes || a.workers[0] - b.workers[0];
}
