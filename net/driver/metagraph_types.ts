/**
 * Metagraphs as programs declare them: flows as vertices, datasets as edges.
 *
 * Types only, made for users; metagraph.ts has the class behind them.
 */
import type { PlotOptions } from "../../core/plan/plot.ts";
import type { DatasetInput } from "../../core/program/dataset_ref.ts";
import type { Flow } from "../../core/program/flow.ts";
import type { ExecuteOptions } from "./execute_options.ts";
import type { DatasetHandle } from "./handle.ts";
import type { Outputs } from "./outputs.ts";

/**
 * The datasets that a vertex reads, as `params` gets them where it is a function.
 *
 * @example Parameters that depend on how much there is to read
 * ```ts
 * import { type DatasetInput, type InputHandles, run } from "luciole";
 * type P = { rows: DatasetInput<number>; shards: number };
 * const sized = async ({ rows }: InputHandles<P>) => ({ shards: 1 + Math.floor((await rows.count()) / 1000) });
 * await run(async () => console.log(typeof sized)); // function
 * ```
 */
export type InputHandles<P> = {
  readonly [K in keyof P as NonNullable<P[K]> extends DatasetInput<unknown> ? K : never]-?: NonNullable<
    P[K]
  > extends DatasetInput<infer T>
    ? DatasetHandle<T>
    : never;
};

/**
 * Parameters of a flow without the datasets that other vertices make.
 *
 * @example What is left to be said
 * ```ts
 * import { type DatasetInput, run, type VertexParams } from "luciole";
 * const params: VertexParams<{ rows: DatasetInput<number>; by: number }> = { by: 10 };
 * await run(async () => console.log(params.by)); // 10
 * ```
 */
export type VertexParams<P> = Omit<P, keyof InputHandles<P>> & Partial<P>;

/**
 * What a vertex cannot do without: each parameter of its flow is given by `inputs` or `params`, or by the function there.
 *
 * @example A dataset has to come from somewhere
 * ```ts
 * import { type DatasetInput, run, type VertexNeeds } from "luciole";
 * const needs: VertexNeeds<{ rows: DatasetInput<number>; by?: number }> = { inputs: { rows: "made" } };
 * await run(async () => console.log(Object.keys(needs))); // ["inputs"]
 * ```
 */
export type VertexNeeds<P> = [
  {
    [K in keyof P]-?: undefined extends P[K]
      ? never
      : (
          vertex: K extends keyof InputHandles<P>
            ?
                | { readonly inputs: { readonly [D in K]: string } }
                | { readonly params: { readonly [D in K]: P[K] } | { readonly apply: unknown } }
            : { readonly params: object },
        ) => void;
  }[keyof P],
] extends [(all: infer All) => void]
  ? All
  : unknown;

/**
 * One vertex of a metagraph: a flow, what it reads, its other parameters, and the options of its execution.
 *
 * @example A vertex that reads what another one makes
 * ```ts
 * import { type DatasetInput, flow, run, type Vertex } from "luciole";
 * const numbers = flow("vertex-numbers", (f, p: { n: number }) => f.range(p.n));
 * const scaled = flow("vertex-scaled", (f, p: { rows: DatasetInput<number>; by: number }) => f.from(p.rows).map((n) => n * p.by));
 * const vertex: Omit<Vertex<{ rows: DatasetInput<number>; by: number }>, "flow"> = { inputs: { rows: "made" }, params: { by: 10 }, workers: 1 };
 * await run(async (job) => {
 *   const { large } = await job.metagraph({ made: { flow: numbers, params: { n: 3 } }, large: { flow: scaled, ...vertex } }).run();
 *   console.log(await large.collect()); // [0, 10, 20]
 * });
 * ```
 */
export interface Vertex<P> extends Omit<ExecuteOptions, "signal"> {
  /** What runs. Several vertices may have the same flow. */
  readonly flow: Flow<P, unknown>;
  /**
   * Parameters that other vertices make: "vertex" for its only dataset, "vertex.path" for one of several ("made.rows",
   * "made.0"), or the name of a dataset that a vertex publishes.
   */
  readonly inputs?: { readonly [K in keyof InputHandles<NoInfer<P>>]?: string };
  /** The other parameters, or a function that makes them once the inputs are there. */
  readonly params?:
    | VertexParams<NoInfer<P>>
    | ((inputs: InputHandles<NoInfer<P>>) => VertexParams<NoInfer<P>> | Promise<VertexParams<NoInfer<P>>>);
  /** Names for its datasets: the path of each among its outputs, "" for the only one. */
  readonly publishes?: Readonly<Record<string, string>>;
  /** Its datasets can be read after the run, also those that other vertices read. Default false. */
  readonly keep?: boolean;
}

/**
 * The vertices of a metagraph by name, with parameters P and outputs R of the flow of each.
 *
 * @example Two vertices
 * ```ts
 * import { flow, run, type Vertices } from "luciole";
 * const numbers = flow("vertices-numbers", (f, p: { n: number }) => f.range(p.n));
 * const two = { few: { flow: numbers, params: { n: 2 } }, many: { flow: numbers, params: { n: 9 } } };
 * const countOf = <P, R>(vertices: Vertices<P, R>) => Object.keys(vertices).length;
 * await run(async () => console.log(countOf(two))); // 2
 * ```
 */
export type Vertices<P, R> = { readonly [N in keyof P]: Vertex<P[N]> & VertexNeeds<NoInfer<P[N]>> } & {
  readonly [N in keyof R]: { readonly flow: Flow<never, R[N]> };
};

/**
 * A metagraph that was checked: it can be run, any number of times.
 *
 * @example Looking at it before it runs
 * ```ts
 * import { flow, type Metagraph, run } from "luciole";
 * const numbers = flow("metagraph-numbers", (f) => f.range(3));
 * const titleOf = (metagraph: Metagraph<unknown>) => metagraph.explain().split("\n")[0];
 * await run(async (job) => {
 *   console.log(titleOf(job.metagraph({ a: { flow: numbers }, b: { flow: numbers } }))); // Metagraph: 2 vertices in 1 stages
 * });
 * ```
 */
export interface Metagraph<R> {
  /**
   * Runs each vertex once all that it reads is complete; vertices that do not depend on each other run at once.
   *
   * When one fails, what depends on it never starts, the others are cancelled, and the run rejects with the first cause
   * when nothing of it runs any more. A dataset that was read is freed after its last reader, unless its vertex says `keep`.
   *
   * @param options A signal that cancels it.
   * @returns The outputs of each vertex.
   * @throws {LucioleError} The first failure.
   */
  run(options?: { readonly signal?: AbortSignal }): Promise<{ readonly [N in keyof R]: Outputs<R[N]> }>;
  /** Tells the vertices, in stages that can run at once, with what each reads. */
  explain(): string;
  /**
   * Draws it: boxes are vertices, arrows datasets.
   *
   * @param options The form of the drawing. Default "svg".
   */
  plot(options?: PlotOptions): string;
}
