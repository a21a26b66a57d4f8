/**
 * One run of a metagraph: starts each vertex when all that it reads is there, cancels the others when one fails, and
 * has datasets freed when their last reader is done.
 *
 * Sans-I/O: `apply` takes what happened and returns what to do. It knows nothing of flows, executions or handles.
 */
import { InvariantError } from "../schedule/transitions.ts";
import type { MetaEdge, MetagraphPlan } from "./plan_metagraph.ts";
import { moveVertex, type VertexState } from "./vertex_states.ts";

export type MetagraphEvent =
  | { readonly kind: "begin" }
  | { readonly kind: "done"; readonly vertex: string }
  | { readonly kind: "failed"; readonly vertex: string; readonly error: unknown }
  /** Whoever runs it does not want it any more. */
  | { readonly kind: "cancelled"; readonly error: unknown };

export type MetagraphCommand =
  | { readonly kind: "start"; readonly vertex: string }
  | { readonly kind: "cancel"; readonly vertex: string; readonly because: string }
  /** Nobody reads this dataset any more. */
  | { readonly kind: "release"; readonly vertex: string; readonly path: string }
  /** The last command: nothing of it runs. With the first cause when it failed. */
  | { readonly kind: "ended"; readonly failure?: { readonly error: unknown } };

export interface MetagraphRunOptions {
  /** Vertices whose datasets stay, also those that others read. */
  readonly kept: ReadonlySet<string>;
}

/** Events that a story tells. */
const MAX_STORY = 40;

export class MetagraphRun {
  /** What each vertex reads, and who reads of it. */
  readonly #edgesTo: ReadonlyMap<string, readonly MetaEdge[]>;
  readonly #edgesFrom: ReadonlyMap<string, readonly MetaEdge[]>;
  readonly #kept: ReadonlySet<string>;
  readonly #vertices: ReadonlyMap<string, VertexState>;
  readonly #story: string[] = [];
  #failure: { readonly error: unknown; readonly because: string } | undefined;
  #hasEnded = false;
  #commands: MetagraphCommand[] = [];

  constructor(plan: MetagraphPlan, { kept }: MetagraphRunOptions) {
    this.#edgesTo = Map.groupBy(plan.edges, ({ to }) => to);
    this.#edgesFrom = Map.groupBy(plan.edges, ({ from }) => from);
    this.#kept = kept;
    this.#vertices = new Map(plan.order.map((name) => [name, { name, phase: "waiting" }]));
  }

  /** @throws {InvariantError} When it cannot have happened, with what happened before. */
  apply(event: MetagraphEvent): readonly MetagraphCommand[] {
    this.#commands = [];
    if (this.#story.length >= MAX_STORY) this.#story.shift();
    this.#story.push("vertex" in event ? `${event.vertex} ${event.kind}` : event.kind);
    if (event.kind === "done" || event.kind === "failed") this.#end(event);
    else if (event.kind === "cancelled") this.#fail(event.error, "its run was cancelled");
    this.#go();
    return this.#commands;
  }

  /** @throws {InvariantError} When something does not hold that must between two events. */
  check(): void {
    for (const { name, phase } of this.#vertices.values()) {
      const isBegun = phase !== "waiting" && phase !== "cancelled";
      const early = this.#reads(name).find(({ from }) => this.#phaseOf(from) !== "done");
      if (isBegun && early !== undefined)
        throw new InvariantError(`Vertex ${name} is ${phase}, and ${early.from} is not done`, this.#story);
      if (this.#failure !== undefined && (phase === "running" || phase === "waiting"))
        throw new InvariantError(`Vertex ${name} is ${phase} after a failure`, this.#story);
    }
  }

  #end(event: Extract<MetagraphEvent, { readonly vertex: string }>): void {
    const vertex = this.#vertices.get(event.vertex);
    if (vertex === undefined) throw new InvariantError(`Vertex ${event.vertex} is unknown`, this.#story);
    if (vertex.phase === "cancelling") {
      moveVertex(vertex, "cancelled", this.#story);
    } else if (event.kind === "failed") {
      moveVertex(vertex, "failed", this.#story);
      this.#fail(event.error, `vertex "${vertex.name}" failed`);
    } else {
      moveVertex(vertex, "done", this.#story);
      for (const edge of this.#reads(vertex.name)) this.#releaseIfRead(edge);
    }
  }

  /** The first cause is the one that is told. */
  #fail(error: unknown, because: string): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error, because };
    for (const vertex of this.#vertices.values()) {
      if (vertex.phase === "waiting") moveVertex(vertex, "cancelled", this.#story);
      if (vertex.phase !== "running") continue;
      moveVertex(vertex, "cancelling", this.#story);
      this.#commands.push({ kind: "cancel", vertex: vertex.name, because });
    }
  }

  #releaseIfRead({ from, path }: MetaEdge): void {
    if (this.#kept.has(from)) return;
    const readers = (this.#edgesFrom.get(from) ?? []).filter((edge) => edge.path === path);
    if (readers.some(({ to }) => this.#phaseOf(to) !== "done")) return;
    const release = { kind: "release", vertex: from, path } as const;
    // One that reads it twice frees it once.
    if (!this.#commands.some((one) => one.kind === "release" && one.vertex === from && one.path === path))
      this.#commands.push(release);
  }

  #go(): void {
    if (this.#hasEnded) return;
    const phases = [...this.#vertices.values()];
    for (const vertex of phases) {
      if (vertex.phase !== "waiting") continue;
      if (this.#reads(vertex.name).some(({ from }) => this.#phaseOf(from) !== "done")) continue;
      moveVertex(vertex, "running", this.#story);
      this.#commands.push({ kind: "start", vertex: vertex.name });
    }
    if (phases.some(({ phase }) => phase === "running" || phase === "cancelling" || phase === "waiting"))
      return;
    this.#hasEnded = true;
    const failure = this.#failure && { failure: { error: this.#failure.error } };
    this.#commands.push({ kind: "ended", ...failure });
  }

  #reads(vertex: string): readonly MetaEdge[] {
    return this.#edgesTo.get(vertex) ?? [];
  }

  #phaseOf(name: string): VertexState["phase"] | undefined {
    return this.#vertices.get(name)?.phase;
  }
}
