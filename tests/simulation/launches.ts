/**
 * Orders on their way from a simulated driver to its agents, with what they refer to, as net/driver/agents/agent_batches.ts
 * sends them.
 */
import type { TaskOrder } from "../../core/schedule/attempts/order.ts";
import { ToldDefinitions } from "../../core/schedule/told_definitions.ts";
import type { AgentLine } from "./agent_line.ts";

const NO_BYTES = new Uint8Array();
/** Executions share so many plans, as far as agents and workers tell them apart. */
const PLANS = 2;

export interface LaunchesOptions {
  readonly lines: ReadonlyMap<string, AgentLine>;
  /** An agent that does not know the job has got it. */
  readonly onLost: (agent: string, attempt: string) => void;
}

export class Launches {
  /** Attempts that were ordered. */
  count = 0;
  /** Attempts whose agent was lost or did not know the job: when it has it again their order may come once more, late. */
  readonly unknown = new Set<string>();
  /** By agent. */
  readonly #ordered = new Map<string, string[]>();
  readonly #options: LaunchesOptions;
  readonly #told = new ToldDefinitions();
  readonly #waiting = new Map<string, TaskOrder[]>();
  #executions = 0;

  constructor(options: LaunchesOptions) {
    this.#options = options;
  }

  define(execution: string): void {
    this.#executions += 1;
    const template = { id: `t${this.#executions % PLANS}`, body: NO_BYTES };
    this.#told.define({ id: execution, template: template.id, params: NO_BYTES }, template);
  }

  add(agent: string, order: TaskOrder): void {
    this.count += 1;
    const known = this.#ordered.get(agent);
    if (known === undefined) this.#ordered.set(agent, [order.attempt]);
    else known.push(order.attempt);
    const orders = this.#waiting.get(agent);
    if (orders === undefined) this.#waiting.set(agent, [order]);
    else orders.push(order);
  }

  /** Sends what was added. */
  flush(): void {
    const { lines, onLost } = this.#options;
    for (const [agent, orders] of this.#waiting) {
      const told = this.#told.tell(agent, new Set(orders.map(({ execution }) => execution)));
      lines.get(agent)?.queue(
        (part) => part.launch(orders, told),
        () => {
          this.#told.untell(agent, told);
          for (const { attempt } of orders) {
            this.unknown.add(attempt);
            onLost(agent, attempt);
          }
        },
      );
    }
    this.#waiting.clear();
  }

  forget(execution: string): void {
    for (const { agent, executions, templates } of this.#told.forget(execution))
      this.#options.lines.get(agent)?.queue((part) => part.release([], executions, templates));
  }

  dropAgent(agent: string): void {
    this.#told.dropAgent(agent);
    for (const attempt of this.#ordered.get(agent) ?? []) this.unknown.add(attempt);
    this.#ordered.delete(agent);
  }
}
