/**
 * Plans of a job, kept for further turns of its loops: the same graph with the same facts is planned once.
 *
 * What a plan is told as (its template) has its id by content, so plans that turn out equal are told once, too.
 */
import { createHash } from "node:crypto";
import { datasetsOf, fingerprint } from "../../../core/graph/fingerprint.ts";
import type { Graph } from "../../../core/graph/node.ts";
import type { PlanFacts } from "../../../core/plan/facts.ts";
import type { PhysicalPlan } from "../../../core/plan/physical.ts";
import type { Placement } from "../../../core/plan/placement.ts";
import { planGraph } from "../../../core/plan/plan.ts";
import { forDatasets, withoutDatasets } from "../../../core/plan/template.ts";
import type { PlanTemplate, TemplateBody } from "../../../core/schedule/attempts/order.ts";
import { encode } from "../../cbor.ts";
import { gatherFacts } from "./planning.ts";

/** Loops have few flows; the bound is for programs that make ever new ones. */
const MAX_PLANS = 128;
/** Keys of sources with more splits cost about as much as planning. */
const MAX_SPLITS = 256;

export interface PlannedExecution {
  readonly plan: PhysicalPlan;
  readonly template: PlanTemplate;
}

interface KnownPlan extends PlannedExecution {
  /** Those that it was planned for. */
  readonly datasets: readonly string[];
}

export class PlanCache {
  /** The one that was used longest ago first. */
  readonly #known = new Map<string, KnownPlan>();

  get size(): number {
    return this.#known.size;
  }

  /**
   * Plans a graph for this machine, unless that was done before.
   *
   * @throws {LucioleError} If an input is missing or cannot be read.
   * @throws {PlanError} If the graph cannot be planned.
   */
  async plan(
    graph: Graph,
    room: { readonly slots: number; readonly memoryBytes: number },
    placements: ReadonlyMap<string, Placement>,
  ): Promise<PlannedExecution> {
    const facts = await gatherFacts(graph, room, placements);
    const datasets = datasetsOf(graph);
    const key = keyOf(graph, facts, datasets);
    const known = key === undefined ? undefined : this.#known.get(key);
    if (key === undefined || known === undefined) {
      const plan = planGraph(graph, facts);
      const planned = { plan, template: templateOf(plan, datasets), datasets };
      if (key !== undefined) this.#keep(key, planned);
      return planned;
    }
    this.#keep(key, known);
    return { plan: forDatasets(known.plan, known.datasets, datasets), template: known.template };
  }

  #keep(key: string, plan: KnownPlan): void {
    this.#known.delete(key);
    this.#known.set(key, plan);
    if (this.#known.size <= MAX_PLANS) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}

/** All that the planner looks at; undefined when that is too much to compare. */
function keyOf(graph: Graph, facts: PlanFacts, datasets: readonly string[]): string | undefined {
  const { slots, memoryBytes, sources } = facts;
  let splits = 0;
  for (const source of sources.values()) splits += source.splits.length;
  if (splits > MAX_SPLITS) return undefined;
  const parts = [
    graph.flow,
    fingerprint(graph),
    graph.outputs,
    closuresOf(graph),
    [slots, memoryBytes],
    [...sources].map(([node, { splits, bytes }]) => [node, bytes, splits]),
    datasets.map((dataset) => facts.datasets.get(dataset)),
  ];
  // Infinity, of sizes that are not known, must not look like null.
  return JSON.stringify(parts, (_, value) => (value === Number.POSITIVE_INFINITY ? "Infinity" : value));
}

/** Which closures are the same one: a sort by the closure of an earlier sort is left out. */
function closuresOf(graph: Graph): readonly number[] {
  const numbers = new Map<unknown, number>();
  const all: number[] = [];
  for (const { spec } of graph.nodes) {
    for (const value of Object.values(spec)) {
      if (typeof value !== "function") continue;
      const number = numbers.get(value) ?? numbers.size;
      numbers.set(value, number);
      all.push(number);
    }
  }
  return all;
}

function templateOf(plan: PhysicalPlan, datasets: readonly string[]): PlanTemplate {
  const told: TemplateBody = { flow: plan.flow, plan: withoutDatasets(plan, datasets) };
  const body = encode(told);
  return { id: createHash("sha256").update(body).digest("hex").slice(0, 32), body };
}
