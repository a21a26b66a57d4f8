/**
 * The checkpoint of a simulated program: copies of shards and what came of executions, which outlive its drivers, as
 * net/checkpoint has them.
 */
import type { PhysicalPlan } from "../../core/plan/physical.ts";
import type { Random } from "./random.ts";
import type { Content } from "./rows.ts";

/** An execution that a driver of the program has begun. */
export interface PastExecution {
  readonly id: string;
  readonly plan: PhysicalPlan;
  readonly followed: ReadonlySet<number>;
  isDone: boolean;
}

export class Copies {
  readonly random: Random;
  /** In the order in which they were begun; those that failed are gone. */
  readonly past: PastExecution[] = [];
  readonly #shards = new Map<string, Content>();

  constructor(random: Random) {
    this.random = random;
  }

  /** Those of which shards are to be copied. */
  groupsOf({ groups }: PhysicalPlan): ReadonlySet<number> {
    const stored = groups.filter(({ tail, id }) => tail.kind === "store" && id % 2 === 0);
    return new Set(stored.map(({ id }) => id));
  }

  /** Shards that have a copy. */
  keptOf(execution: string, plan: PhysicalPlan): ReadonlyMap<number, ReadonlySet<number>> {
    const kept = new Map<number, ReadonlySet<number>>();
    for (const { id, tasks } of plan.groups) {
      const shards = Array.from({ length: tasks }, (_, shard) => shard);
      const found = shards.filter((shard) => this.#shards.has(`${execution}/${id}/${shard}`));
      if (found.length > 0) kept.set(id, new Set(found));
    }
    return kept;
  }

  keep(execution: string, group: number, shard: number, content: Content): void {
    this.#shards.set(`${execution}/${group}/${shard}`, content);
  }

  find(execution: string, group: number, shard: number): Content | undefined {
    return this.#shards.get(`${execution}/${group}/${shard}`);
  }
}
