/**
 * What must hold of the gangs of a simulated run, all jobs together: who is started with whom, and who waits for whom.
 */
import type { TaskOrder } from "../../core/schedule/attempts/order.ts";

interface Gang {
  readonly size: number;
  /** Ranks that have come to each barrier. */
  readonly entered: Map<number, Set<number>>;
}

export class GangRules {
  readonly #gangs = new Map<string, Gang>();

  /** How many were started. */
  get count(): number {
    return this.#gangs.size;
  }

  /** All orders of one turn of the scheduler: each gang of them is whole, on workers of its own, and reads all of its input once. */
  launched(job: string, launches: readonly { readonly agent: string; readonly order: TaskOrder }[]): void {
    const gangs = Map.groupBy(launches, ({ order }) => order.gang?.id);
    for (const [id, own] of gangs) if (id !== undefined) this.#begin(`${job}/${id}`, own);
  }

  enter(gang: string, barrier: number, rank: number): void {
    const entered = this.#find(gang).entered.get(barrier) ?? new Set();
    this.#find(gang).entered.set(barrier, entered.add(rank));
  }

  /** @throws When somebody has not come to the barrier. */
  leave(gang: string, barrier: number): void {
    const { entered, size } = this.#find(gang);
    const count = entered.get(barrier)?.size ?? 0;
    if (count < size)
      throw new Error(`a member of ${gang} passes a barrier, and ${size - count} have not come`);
  }

  #begin(id: string, own: readonly { readonly agent: string; readonly order: TaskOrder }[]): void {
    if (this.#gangs.has(id)) throw new Error(`gang ${id} is started twice`);
    const members = own[0].order.gang?.members ?? [];
    const workers = new Set(members.map(({ worker }) => worker));
    if (own.length !== members.length || workers.size !== members.length)
      throw new Error(
        `${own.length} members of ${id} are started on ${[...workers]}, and it has ${members.length}`,
      );
    for (const [rank, { agent, order }] of own.entries()) {
      const member = members[order.gang?.rank ?? -1];
      const isOwn = member?.agent === agent && `${order.workers}` === `${member.worker}`;
      if (!isOwn || order.gang?.rank !== rank || order.task !== rank)
        throw new Error(`${order.attempt} is rank ${order.gang?.rank} of ${id}, and is ordered of ${agent}`);
    }
    const pieces = own.flatMap(({ order }) => order.input.pieces.flat().map(({ attempt }) => attempt));
    const inputs = own.flatMap(({ order }) =>
      order.input.pieces.flatMap((some, i) => some.map((one) => `${i} ${one.attempt}`)),
    );
    if (new Set(inputs).size !== pieces.length) throw new Error(`a shard is dealt twice in ${id}: ${inputs}`);
    this.#gangs.set(id, { size: members.length, entered: new Map() });
  }

  #find(id: string): Gang {
    const gang = this.#gangs.get(id);
    if (gang === undefined) throw new Error(`gang ${id} was not started`);
    return gang;
  }
}
