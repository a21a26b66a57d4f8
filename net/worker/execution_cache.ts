/**
 * Executions that a worker knows, and the plans that they are run by: told with the first order that needs them.
 *
 * The graph is built again for each execution, as closures see its parameters, and compared. Plans stay, so that a turn
 * of a loop brings no more than parameters.
 */
import "../program/persist_flow.ts";
import { LucioleError } from "../../core/errors.ts";
import { KeptTable } from "../../core/exec/keyed/kept_table.ts";
import { buildGraph } from "../../core/graph/build.ts";
import { checkFingerprint, fingerprint } from "../../core/graph/fingerprint.ts";
import type { Graph } from "../../core/graph/node.ts";
import type { PhysicalPlan } from "../../core/plan/physical.ts";
import { findFlow } from "../../core/program/flow.ts";
import type { ExecutionOrder, TemplateBody, WorkerDefinitions } from "../../core/schedule/attempts/order.ts";
import { decode } from "../cbor.ts";

export interface KnownExecution {
  readonly graph: Graph;
  readonly plan: PhysicalPlan;
}

/** Executions are known as long as their datasets may have to be made again: in a long loop, all of them. */
const MAX_GRAPHS = 16;

export class ExecutionCache {
  readonly #templates = new Map<string, Uint8Array | TemplateBody>();
  readonly #executions = new Map<string, ExecutionOrder>();
  /** Those that tasks ran of lately, the one that was built longest ago first. */
  readonly #graphs = new Map<string, KnownExecution>();
  /** Of the task that ran last; the tasks of a worker run one after the other. */
  readonly kept = new KeptTable();

  /** Takes what came with orders. */
  take({ templates, executions, forget }: WorkerDefinitions): void {
    for (const id of forget) {
      this.#templates.delete(id);
      if (this.#executions.delete(id)) this.kept.clear();
      this.#graphs.delete(id);
    }
    // Copies: each came as a part of an answer with much else in it.
    for (const { id, body } of templates) this.#templates.set(id, body.slice());
    for (const order of executions) {
      this.#executions.set(order.id, { ...order, params: order.params.slice() });
    }
  }

  /**
   * @throws {PlanMismatchError} If the flow is not a pure function of its parameters.
   * @throws {LucioleError} code "not-found" If the execution is over.
   */
  find(id: string): KnownExecution {
    const built = this.#graphs.get(id);
    if (built !== undefined) return built;
    const known = this.#executions.get(id);
    const template = known === undefined ? undefined : this.#template(known.template);
    if (known === undefined || template === undefined) {
      const message = `Cannot find execution ${id}: the driver did not tell it, or released it`;
      throw new LucioleError("not-found", message);
    }
    const { flow, plan } = template;
    const { graph } = buildGraph(findFlow(flow), decode(known.params));
    checkFingerprint(plan.fingerprint, fingerprint(graph), graph);
    const execution = { graph, plan };
    const [oldest] = this.#graphs.size >= MAX_GRAPHS ? this.#graphs.keys() : [];
    if (oldest !== undefined) this.#graphs.delete(oldest);
    this.#graphs.set(id, execution);
    return execution;
  }

  #template(id: string): TemplateBody | undefined {
    const known = this.#templates.get(id);
    if (!(known instanceof Uint8Array)) return known;
    const template = decode(known) as TemplateBody;
    this.#templates.set(id, template);
    return template;
  }
}
