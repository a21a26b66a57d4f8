/**
 * A simulated program's metagraph: random vertices that read each other's datasets, by the production run, as
 * net/driver/metagraph.ts performs it.
 */
import type { WireError } from "../../core/errors.ts";
import { type MetagraphEvent, MetagraphRun } from "../../core/metagraph/metagraph_run.ts";
import { planMetagraph, type VertexShape } from "../../core/metagraph/plan_metagraph.ts";
import type { PhysicalPlan } from "../../core/plan/physical.ts";
import type { ExecutionOutcome } from "../../core/schedule/outcome.ts";
import { type Dataset, randomPlan } from "../core/schedule/random_plans.ts";
import type { Random } from "./random.ts";
import { wireError } from "./world.ts";

interface Vertex {
  readonly name: string;
  /** Its execution. */
  readonly id: string;
  readonly plan: PhysicalPlan;
  readonly outputs: readonly Dataset[];
  readonly reads: readonly Vertex[];
  state: "waiting" | "running" | "done" | "failed";
}

export interface MetagraphOptions {
  readonly random: Random;
  /** Ids of executions, one for each vertex. */
  readonly ids: readonly string[];
  readonly submit: (id: string, plan: PhysicalPlan) => void;
  readonly cancel: (id: string, cause: WireError) => void;
  readonly release: (dataset: string) => void;
  /** Nothing of it runs any more. @param kept Datasets that are left. */
  readonly onEnded: (kept: readonly Dataset[]) => void;
}

export class SimulatedMetagraph {
  readonly #options: MetagraphOptions;
  readonly #vertices: readonly Vertex[];
  readonly #run: MetagraphRun;
  readonly #kept: ReadonlySet<string>;
  readonly #released = new Set<string>();
  #hasEnded = false;

  constructor(options: MetagraphOptions) {
    this.#options = options;
    const { random, ids } = options;
    const vertices: Vertex[] = [];
    const shapes: VertexShape[] = [];
    for (const [i, id] of ids.entries()) {
      const reads = vertices.filter(() => random.chance(2));
      const read = reads.flatMap(({ outputs }) => outputs.slice(0, 1));
      const { plan, outputs } = randomPlan(random, read, { isSkewed: false, groups: 2 });
      const own = outputs.map(({ node, shards }) => ({ id: `${id}.${node}`, shards }));
      vertices.push({ name: `v${i}`, id, plan, outputs: own, reads, state: "waiting" });
      const inputs = Object.fromEntries(
        reads.map(({ name, outputs: [first] }) => [name, `${name}.${first.id}`]),
      );
      shapes.push({ name: `v${i}`, inputs, publishes: {}, datasets: own.map((dataset) => dataset.id) });
    }
    this.#vertices = vertices;
    this.#kept = new Set(vertices.filter(() => random.chance(4)).map(({ name }) => name));
    this.#run = new MetagraphRun(planMetagraph(shapes), { kept: this.#kept });
  }

  begin(): void {
    this.#apply({ kind: "begin" });
  }

  cancel(): void {
    if (!this.#hasEnded) this.#apply({ kind: "cancelled", error: "the user stopped it" });
  }

  /** An execution has ended, which may be one of its own. */
  ended(id: string, outcome: ExecutionOutcome): void {
    const vertex = this.#vertices.find((one) => one.id === id);
    if (vertex === undefined) return;
    if (vertex.state !== "running") throw new Error(`${vertex.name} ended, and is ${vertex.state}`);
    const isDone = outcome.kind === "done";
    vertex.state = isDone ? "done" : "failed";
    if (isDone) this.#apply({ kind: "done", vertex: vertex.name });
    else this.#apply({ kind: "failed", vertex: vertex.name, error: outcome.error });
  }

  #apply(event: MetagraphEvent): void {
    for (const command of this.#run.apply(event)) {
      if (command.kind === "start") this.#start(this.#find(command.vertex));
      else if (command.kind === "cancel")
        this.#options.cancel(this.#find(command.vertex).id, wireError("cancelled", command.because));
      else if (command.kind === "release") this.#release(this.#find(command.vertex), command.path);
      else this.#end(command.failure !== undefined);
    }
    this.#run.check();
  }

  #start(vertex: Vertex): void {
    const early = vertex.reads.find(({ state }) => state !== "done");
    if (early !== undefined || vertex.state !== "waiting")
      throw new Error(`${vertex.name} starts ${vertex.state}, and ${early?.name} is ${early?.state}`);
    vertex.state = "running";
    this.#options.submit(vertex.id, vertex.plan);
  }

  #release(vertex: Vertex, dataset: string): void {
    const reader = this.#vertices.find(({ reads, state }) => reads.includes(vertex) && state !== "done");
    if (reader !== undefined || this.#kept.has(vertex.name))
      throw new Error(`${dataset} is released, and ${reader?.name ?? "the user"} reads it`);
    this.#drop(dataset);
  }

  #end(isFailed: boolean): void {
    if (this.#hasEnded) throw new Error("the metagraph has ended twice");
    this.#hasEnded = true;
    const running = this.#vertices.find(({ state }) => state === "running");
    const undone = this.#vertices.find(({ state }) => state !== "done");
    if (running !== undefined || isFailed !== (undone !== undefined))
      throw new Error(
        `the metagraph ends ${isFailed ? "failed" : "done"}, and ${(running ?? undone)?.name} is not`,
      );
    const left = this.#vertices.filter(({ state }) => state === "done").flatMap(({ outputs }) => outputs);
    const there = left.filter(({ id }) => !this.#released.has(id));
    if (isFailed) for (const { id } of there) this.#drop(id);
    this.#checkFreed(isFailed);
    this.#options.onEnded(isFailed ? [] : there);
  }

  /** What nobody reads any more is gone, but for what is kept. */
  #checkFreed(isFailed: boolean): void {
    const read = new Set(this.#vertices.flatMap(({ reads }) => reads));
    for (const vertex of isFailed ? [] : read) {
      const [{ id }] = vertex.outputs;
      if (this.#released.has(id) === this.#kept.has(vertex.name))
        throw new Error(`${id} of ${vertex.name} is ${this.#kept.has(vertex.name) ? "gone" : "left"}`);
    }
  }

  #drop(dataset: string): void {
    if (this.#released.has(dataset)) throw new Error(`${dataset} is released twice`);
    this.#released.add(dataset);
    this.#options.release(dataset);
  }

  #find(name: string): Vertex {
    const vertex = this.#vertices.find((one) => one.name === name);
    if (vertex === undefined) throw new Error(`${name} is no vertex`);
    return vertex;
  }
}
