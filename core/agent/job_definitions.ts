/**
 * Plans and executions of one job on its agent, and what of them each worker was told: each of them once, with the first
 * orders that need it.
 *
 * A worker that started anew knows nothing. Bodies of plans are not looked at.
 */
import type {
  Definitions,
  ExecutionOrder,
  PlanTemplate,
  TaskOrder,
  WorkerDefinitions,
} from "../schedule/attempts/order.ts";

interface Told {
  readonly ids: Set<string>;
  /** What it knows and may forget. */
  forget: string[];
}

export class JobDefinitions {
  readonly #templates = new Map<string, PlanTemplate>();
  readonly #executions = new Map<string, ExecutionOrder>();
  readonly #workers = new Map<number, Told>();

  take({ templates = [], executions = [] }: Partial<Definitions>): void {
    for (const template of templates) this.#templates.set(template.id, template);
    for (const execution of executions) this.#executions.set(execution.id, execution);
  }

  release(executions: readonly string[], templates: readonly string[] = []): void {
    for (const id of executions) this.#executions.delete(id);
    for (const id of templates) this.#templates.delete(id);
    for (const told of this.#workers.values()) {
      for (const id of [...executions, ...templates]) if (told.ids.delete(id)) told.forget.push(id);
    }
  }

  /** A process that knows nothing has the number from now on. */
  started(worker: number): void {
    this.#workers.set(worker, { ids: new Set(), forget: [] });
  }

  /** What the worker must be told with these orders; undefined when that is nothing. */
  tell(worker: number, orders: readonly TaskOrder[]): WorkerDefinitions | undefined {
    const told = this.#workers.get(worker);
    if (told === undefined) return undefined;
    const { forget } = told;
    const templates: PlanTemplate[] = [];
    const executions: ExecutionOrder[] = [];
    for (const { execution: id } of orders) {
      const execution = this.#executions.get(id);
      if (execution === undefined || told.ids.has(id)) continue;
      told.ids.add(id);
      executions.push(execution);
      const template = this.#templates.get(execution.template);
      if (template === undefined || told.ids.has(template.id)) continue;
      told.ids.add(template.id);
      templates.push(template);
    }
    if (executions.length + forget.length === 0) return undefined;
    told.forget = [];
    return { templates, executions, forget };
  }
}
