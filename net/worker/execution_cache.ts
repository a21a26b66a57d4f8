/**
 * Executions that a worker knows: fetched once, the graph built again and compared.
 */
import "../program/persist_flow.ts";
import { KeptTable } from "../../core/exec/keyed/kept_table.ts";
import { buildGraph } from "../../core/graph/build.ts";
import { checkFingerprint, fingerprint } from "../../core/graph/fingerprint.ts";
import type { Graph } from "../../core/graph/node.ts";
import type { PhysicalPlan } from "../../core/plan/physical.ts";
import { findFlow } from "../../core/program/flow.ts";
import type { ExecutionOrder } from "../../core/schedule/order.ts";
import { decode } from "../cbor.ts";

export interface KnownExecution {
  readonly graph: Graph;
  readonly plan: PhysicalPlan;
}

export class ExecutionCache {
  readonly #fetch: (id: string) => Promise<ExecutionOrder>;
  readonly #known = new Map<string, KnownExecution>();
  /** Of the task that ran last; the tasks of a worker run one after the other. */
  readonly kept = new KeptTable();

  constructor(fetch: (id: string) => Promise<ExecutionOrder>) {
    this.#fetch = fetch;
  }

  /** @throws {PlanMismatchError} If the flow is not a pure function of its parameters. */
  async find(id: string): Promise<KnownExecution> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const order = await this.#fetch(id);
    const { graph } = buildGraph(findFlow(order.flow), decode(order.params));
    checkFingerprint(order.plan.fingerprint, fingerprint(graph), graph);
    const execution = { graph, plan: order.plan };
    this.#known.set(id, execution);
    return execution;
  }

  forget(id: string): void {
    this.#known.delete(id);
    this.kept.clear();
  }
}
