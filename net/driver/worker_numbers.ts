/**
 * Which worker is on which agent: workers are numbered over all agents of a job, in the order in which these joined.
 */
import { LucioleError } from "../../core/errors.ts";

export class WorkerNumbers {
  readonly #firsts: { readonly agent: string; readonly first: number; readonly end: number }[] = [];
  #next = 0;

  /** @returns The numbers of the agent's workers. */
  add(agent: string, workers: number): readonly number[] {
    const first = this.#next;
    this.#next += workers;
    this.#firsts.push({ agent, first, end: this.#next });
    return Array.from({ length: workers }, (_, i) => first + i);
  }

  /** The workers that are asked for, by agent. @throws {LucioleError} code "not-found" when there is one that is not. */
  byAgent(workers: readonly number[] | "all"): ReadonlyMap<string, readonly number[] | "all"> {
    if (workers === "all") return new Map(this.#firsts.map(({ agent }) => [agent, workers]));
    const found = new Map<string, number[]>();
    for (const worker of workers) {
      const at = this.#firsts.find(({ first, end }) => worker >= first && worker < end);
      if (at === undefined) {
        throw new LucioleError(
          "not-found",
          `Cannot send to worker ${worker}: the job has workers 0 to ${this.#next - 1}`,
        );
      }
      const own = found.get(at.agent);
      if (own === undefined) found.set(at.agent, [worker]);
      else own.push(worker);
    }
    return found;
  }
}
