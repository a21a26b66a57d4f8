/**
 * What each agent of a job was told of plans and executions: they are told with the first orders that need them.
 *
 * It sends nothing. Plans without executions are kept for further turns of a loop, up to a bound.
 */
import type { Definitions, ExecutionOrder, PlanTemplate } from "./attempts/order.ts";

const MAX_TEMPLATES = 64;

interface Known {
  readonly templates: Set<string>;
  readonly executions: Set<string>;
}

interface KeptTemplate {
  readonly template: PlanTemplate;
  executions: number;
}

/** What an agent is to forget. */
export interface Forgotten {
  readonly agent: string;
  readonly executions: readonly string[];
  readonly templates: readonly string[];
}

export class ToldDefinitions {
  readonly #agents = new Map<string, Known>();
  readonly #executions = new Map<string, ExecutionOrder>();
  /** The one that was used longest ago first. */
  readonly #templates = new Map<string, KeptTemplate>();

  define(order: ExecutionOrder, template: PlanTemplate): void {
    const { id } = template;
    const kept = this.#templates.get(id) ?? { template, executions: 0 };
    kept.executions += 1;
    this.#templates.delete(id);
    this.#templates.set(id, kept);
    // What was encoded may be a part of a large buffer, which would stay with it.
    this.#executions.set(order.id, { ...order, params: order.params.slice() });
  }

  /** What an agent must be told before it gets orders of these executions; from now on it counts as told. */
  tell(agent: string, executions: Iterable<string>): Definitions {
    const known = this.#knownBy(agent);
    const told = { templates: [] as PlanTemplate[], executions: [] as ExecutionOrder[] };
    for (const id of executions) {
      const order = this.#executions.get(id);
      if (order === undefined || known.executions.has(id)) continue;
      known.executions.add(id);
      told.executions.push(order);
      const kept = this.#templates.get(order.template);
      if (kept === undefined || known.templates.has(order.template)) continue;
      known.templates.add(order.template);
      told.templates.push(kept.template);
    }
    return told;
  }

  /** It could not be told. */
  untell(agent: string, { templates, executions }: Definitions): void {
    const known = this.#knownBy(agent);
    for (const { id } of templates) known.templates.delete(id);
    for (const { id } of executions) known.executions.delete(id);
  }

  /** An execution is gone, and with it the plan that was used longest ago when there are too many. */
  forget(execution: string): readonly Forgotten[] {
    const order = this.#executions.get(execution);
    if (order === undefined) return [];
    this.#executions.delete(execution);
    const kept = this.#templates.get(order.template);
    if (kept !== undefined) kept.executions -= 1;
    const templates = this.#evict();
    const forgotten: Forgotten[] = [];
    for (const [agent, known] of this.#agents) {
      const executions = known.executions.delete(execution) ? [execution] : [];
      const own = templates.filter((id) => known.templates.delete(id));
      if (executions.length + own.length > 0) forgotten.push({ agent, executions, templates: own });
    }
    return forgotten;
  }

  dropAgent(agent: string): void {
    this.#agents.delete(agent);
  }

  #evict(): readonly string[] {
    const evicted: string[] = [];
    for (const [id, { executions }] of this.#templates) {
      if (this.#templates.size <= MAX_TEMPLATES) break;
      if (executions > 0) continue;
      this.#templates.delete(id);
      evicted.push(id);
    }
    return evicted;
  }

  #knownBy(agent: string): Known {
    let known = this.#agents.get(agent);
    if (known === undefined) {
      known = { templates: new Set(), executions: new Set() };
      this.#agents.set(agent, known);
    }
    return known;
  }
}
