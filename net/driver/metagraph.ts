/**
 * Metagraphs in motion: checks the vertices with what only flows can tell, runs their executions, and hands datasets
 * from one to the next.
 *
 * When which vertex runs is decided in core/metagraph.
 */
import { CancelledError } from "../../core/errors.ts";
import { show } from "../../core/graph/arguments.ts";
import { type BuiltGraph, buildGraph } from "../../core/graph/build.ts";
import { DatasetNode } from "../../core/graph/dataset_node.ts";
import { explainMetagraph, plotMetagraph, type VertexText } from "../../core/metagraph/describe_metagraph.ts";
import {
  type MetagraphCommand,
  type MetagraphEvent,
  MetagraphRun,
} from "../../core/metagraph/metagraph_run.ts";
import {
  checkPath,
  type MetagraphPlan,
  planMetagraph,
  refusal,
  type VertexShape,
} from "../../core/metagraph/plan_metagraph.ts";
import type { PlotOptions } from "../../core/plan/plot.ts";
import { DatasetRef } from "../../core/program/dataset_ref.ts";
import { type AnyFlow, isFlow } from "../../core/program/flow.ts";
import { plural } from "../../core/program/plural.ts";
import { decode } from "../cbor.ts";
import { compileLimits } from "./execute_limits.ts";
import type { ExecuteOptions } from "./execute_options.ts";
import { DatasetHandle } from "./handle.ts";
import { collectRefs, encodeParams, type ParamRefs } from "./param_refs.ts";

/** A vertex, whatever its flow. */
export interface AnyVertex extends ExecuteOptions {
  readonly flow: AnyFlow;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly params?: unknown;
  readonly publishes?: Readonly<Record<string, string>>;
  readonly keep?: boolean;
}

/** What a vertex has beside the options of its execution. */
const OF_VERTEX = ["flow", "inputs", "params", "publishes", "keep"];

/** An execution that a metagraph has begun. */
export interface VertexExecution {
  readonly done: Promise<unknown>;
  readonly outputs: () => unknown;
  readonly cancel: (because: string) => void;
}

export type BeginVertex = (flow: AnyFlow, params: unknown, options: ExecuteOptions) => VertexExecution;
type Begin = BeginVertex;

/** Stands for what a vertex will read, while nothing has run. */
const UNKNOWN = new DatasetRef({ id: "metagraph-input", shards: 1, rows: Infinity, bytes: Infinity });

export class DriverMetagraph {
  readonly #vertices: ReadonlyMap<string, AnyVertex>;
  readonly #plan: MetagraphPlan;
  readonly #begin: Begin;

  /** @throws {PlanError} If it cannot be run. */
  constructor(vertices: Readonly<Record<string, AnyVertex>>, begin: Begin) {
    this.#vertices = new Map(Object.entries(vertices));
    this.#plan = planMetagraph([...this.#vertices].map(([name, vertex]) => shapeOf(name, vertex)));
    this.#begin = begin;
  }

  explain(): string {
    return explainMetagraph(this.#plan, this.#texts());
  }

  plot({ format = "svg" }: PlotOptions = {}): string {
    return plotMetagraph(this.#plan, this.#texts(), format);
  }

  async run({ signal }: { readonly signal?: AbortSignal } = {}): Promise<never> {
    const running = new Running(this.#plan, this.#vertices, this.#begin);
    const onAbort = (): void =>
      running.cancel(new CancelledError("Cannot go on with the metagraph: its signal was aborted"));
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      running.begin();
      if (signal?.aborted === true) onAbort();
      return (await running.ended) as never;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  #texts(): ReadonlyMap<string, VertexText> {
    return new Map(
      [...this.#vertices].map(([name, { flow, workers, keep = false }]) => [
        name,
        { flow: flow.name, isKept: keep, options: workers === undefined ? [] : [workersText(workers)] },
      ]),
    );
  }
}

function workersText(workers: number | readonly number[]): string {
  return typeof workers === "number" ? plural(workers, "worker") : `workers ${workers.join(", ")}`;
}

/** Checks a vertex by itself; builds its graph, so that it is known which datasets it makes. */
function shapeOf(name: string, vertex: AnyVertex): VertexShape {
  const { flow, inputs = {}, params, publishes = {} } = vertex;
  if (!isFlow(flow)) throw refusal(`vertex "${name}" has no flow, got ${show(flow)}`);
  const given = typeof params === "object" && params !== null ? Object.keys(params) : [];
  const twice = given.find((param) => Object.hasOwn(inputs, param));
  if (twice !== undefined) throw givenTwice(name, twice);
  try {
    compileLimits(flow.name, vertex, OF_VERTEX);
    // What a function will say is not known before its inputs are there.
    if (typeof params === "function") return { name, inputs, publishes, datasets: undefined };
    const refs = collectRefs(
      paramsOf(
        params,
        Object.keys(inputs).map((param) => [param, UNKNOWN]),
      ),
    );
    const { outputs } = graphOf(flow, refs);
    return {
      name,
      inputs,
      publishes,
      datasets: [...leavesOf(outputs, (value) => value instanceof DatasetNode).keys()],
    };
  } catch (cause) {
    throw refusal(`vertex "${name}": ${cause instanceof Error ? cause.message : show(cause)}`, cause);
  }
}

function givenTwice(vertex: string, param: string): Error {
  return refusal(`vertex "${vertex}" is given its parameter "${param}" twice, by inputs and params`);
}

/** Parameters with what is read in its place. */
function paramsOf(params: unknown, inputs: readonly (readonly [string, unknown])[]): unknown {
  if (inputs.length === 0) return params;
  return { ...(typeof params === "object" ? params : {}), ...Object.fromEntries(inputs) };
}

/** What lies where in the outputs of a flow: "" for the only one, else names and places joined by dots. */
function leavesOf(outputs: unknown, isLeaf: (value: unknown) => boolean, path = ""): Map<string, unknown> {
  if (isLeaf(outputs)) return new Map([[path, outputs]]);
  const leaves = new Map<string, unknown>();
  if (typeof outputs !== "object" || outputs === null) return leaves;
  for (const [name, value] of Object.entries(outputs)) {
    for (const [at, leaf] of leavesOf(value, isLeaf, path === "" ? name : `${path}.${name}`))
      leaves.set(at, leaf);
  }
  return leaves;
}

/** One run. */
class Running {
  readonly #plan: MetagraphPlan;
  readonly #vertices: ReadonlyMap<string, AnyVertex>;
  readonly #begin: Begin;
  readonly #run: MetagraphRun;
  readonly #end = Promise.withResolvers<unknown>();
  readonly #outputs = new Map<string, unknown>();
  readonly #handles = new Map<string, Map<string, DatasetHandle<unknown>>>();
  /** How each vertex that runs is cancelled. */
  readonly #cancels = new Map<string, (because: string) => void>();

  constructor(plan: MetagraphPlan, vertices: ReadonlyMap<string, AnyVertex>, begin: Begin) {
    this.#plan = plan;
    this.#vertices = vertices;
    this.#begin = begin;
    const kept = [...vertices].filter(([, { keep }]) => keep === true).map(([name]) => name);
    this.#run = new MetagraphRun(plan, { kept: new Set(kept) });
  }

  get ended(): Promise<unknown> {
    return this.#end.promise;
  }

  begin(): void {
    this.#apply({ kind: "begin" });
  }

  cancel(error: CancelledError): void {
    this.#apply({ kind: "cancelled", error });
  }

  #apply(event: MetagraphEvent): void {
    for (const command of this.#run.apply(event)) this.#perform(command);
  }

  #perform(command: MetagraphCommand): void {
    switch (command.kind) {
      case "start":
        void this.#start(command.vertex);
        break;
      case "cancel":
        this.#cancels.get(command.vertex)?.(command.because);
        break;
      case "release":
        this.#handles.get(command.vertex)?.get(command.path)?.release();
        break;
      case "ended":
        this.#finish(command.failure);
        break;
    }
  }

  async #start(name: string): Promise<void> {
    try {
      await this.#execute(name);
    } catch (error) {
      this.#apply({ kind: "failed", vertex: name, error });
      return;
    }
    this.#apply({ kind: "done", vertex: name });
  }

  async #execute(name: string): Promise<void> {
    const vertex = this.#vertices.get(name);
    if (vertex === undefined) throw new RangeError(`Cannot run vertex "${name}": it is unknown`);
    const cancelled = Promise.withResolvers<never>();
    this.#cancels.set(name, (because) =>
      cancelled.reject(new CancelledError(`Cannot start vertex "${name}": ${because}`)),
    );
    const params = await Promise.race([this.#params(name, vertex), cancelled.promise]);
    const { flow, inputs, params: _, publishes, keep, ...options } = vertex;
    const execution = this.#begin(flow, params, options);
    this.#cancels.set(name, execution.cancel);
    await execution.done;
    const outputs = execution.outputs();
    this.#outputs.set(name, outputs);
    const leaves = leavesOf(outputs, (value) => value instanceof DatasetHandle);
    this.#handles.set(name, leaves as Map<string, DatasetHandle<unknown>>);
  }

  async #params(name: string, { params }: AnyVertex): Promise<unknown> {
    const inputs = this.#plan.edges
      .filter(({ to }) => to === name)
      .map(({ from, path, param }) => [param, this.#handle(from, path)] as const);
    const own = typeof params === "function" ? await params(Object.fromEntries(inputs)) : params;
    const twice = inputs.find(([param]) => Object.hasOwn(Object(own), param));
    if (twice !== undefined) throw givenTwice(name, twice[0]);
    return paramsOf(own, inputs);
  }

  #handle(from: string, path: string): DatasetHandle<unknown> {
    const handles = this.#handles.get(from) ?? new Map<string, DatasetHandle<unknown>>();
    const handle = handles.get(path);
    if (handle !== undefined) return handle;
    checkPath(from, path, [...handles.keys()]);
    throw refusal(`vertex "${from}" makes no dataset "${path}"`);
  }

  #finish(failure: { readonly error: unknown } | undefined): void {
    if (failure === undefined) {
      this.#end.resolve(Object.fromEntries(this.#outputs));
      return;
    }
    for (const handles of this.#handles.values()) for (const handle of handles.values()) handle.release();
    this.#end.reject(failure.error);
  }
}

/** What its builder makes now; nothing is kept for it. */
function graphOf(flow: AnyFlow, refs: ParamRefs): BuiltGraph {
  try {
    return buildGraph(flow, decode(encodeParams(flow, refs)));
  } finally {
    refs.end();
  }
}
