/**
 * Flows: named, pure builders of graphs, and the registry that workers find them in.
 */
import { LucioleError } from "../errors.ts";
import { nearestName } from "../graph/arguments.ts";
import type { FlowBuilder } from "../graph/builder.ts";
import { captureCallSite, formatCallSite, isSameSite } from "../graph/call_site.ts";
import type { Dataset, Sink } from "../graph/dataset.ts";
import type { CallSite } from "../graph/node.ts";

/**
 * What a builder may return: datasets and sinks, in arrays and objects of any depth.
 *
 * @example Outputs in a structure
 * ```ts
 * import { flow, type FlowOutput, run } from "luciole";
 * const both = flow("both-outputs", (f) => {
 *   const rows = f.range(3);
 *   return { rows, figures: [rows.sum(), rows.count()] } satisfies FlowOutput;
 * });
 * await run(async (job) => {
 *   const { figures } = await job.execute(both);
 *   console.log(await Promise.all(figures.map((figure) => figure.collect()))); // [[3], [3]]
 * });
 * ```
 */
export type FlowOutput =
  | Dataset<unknown>
  | Sink
  // biome-ignore lint/suspicious/noConfusingVoidType: a builder that returns nothing has its sinks as outputs
  | void
  | readonly []
  | readonly FlowOutput[]
  | { readonly [name: string]: FlowOutput };

/**
 * A named builder of a graph, with parameters of type P and outputs of the structure R.
 *
 * @example Making flows with a function
 * ```ts
 * import { type Dataset, type Flow, flow, run } from "luciole";
 * const multiplier = (by: number): Flow<{ n: number }, Dataset<number>> =>
 *   flow(`times-${by}`, (f, p: { n: number }) => f.range(p.n).map((i) => i * by));
 * const times5 = multiplier(5);
 * await run(async (job) => {
 *   console.log(await (await job.execute(times5, { n: 3 })).collect()); // [0, 5, 10]
 * });
 * ```
 */
export interface Flow<P, R> {
  /** Unique within the program. */
  readonly name: string;
  /** A pure function of its parameters: every worker calls it again and must get the same graph. */
  readonly builder: (f: FlowBuilder, params: P) => R;
  /** The line that defined it. */
  readonly callSite: CallSite | undefined;
}

/** A flow of any parameters and outputs. */
export type AnyFlow = Flow<never, unknown>;

const flows = new Map<string, AnyFlow>();

/**
 * Defines a flow and registers it under its name, so that workers find it.
 *
 * @param name Unique within the program.
 * @param builder Makes the graph; a pure function of parameters that are plain values.
 * @returns The flow, for `job.execute`.
 * @throws {TypeError} If the name is empty or the builder is not a function.
 * @throws {Error} If another flow has the name; both lines are told.
 * @example
 * ```ts
 * import { flow, run } from "luciole";
 * const add = flow("add", (f, p: { by: number }) => f.values([1, 2]).map((n) => n + p.by));
 * await run(async (job) => {
 *   console.log(await (await job.execute(add, { by: 10 })).collect()); // [11, 12]
 * });
 * ```
 */
export function flow<P = void, R extends FlowOutput = FlowOutput>(
  name: string,
  builder: (f: FlowBuilder, params: P) => R,
): Flow<P, R> {
  if (typeof name !== "string" || name === "") {
    throw new TypeError(`Cannot define a flow: name must be a string with content, got ${String(name)}`);
  }
  if (typeof builder !== "function") {
    throw new TypeError(`Cannot define flow "${name}": builder must be a function, got ${typeof builder}`);
  }
  const callSite = captureCallSite();
  const earlier = flows.get(name);
  // The same line again is the same module loaded a second time, as tests and reloads do.
  if (earlier !== undefined && (callSite === undefined || !isSameSite(earlier.callSite, callSite))) {
    throw new Error(
      `Cannot define flow "${name}" at ${formatCallSite(callSite)}: ` +
        `a flow of that name is defined at ${formatCallSite(earlier.callSite)}`,
    );
  }
  const defined: Flow<P, R> = Object.freeze({ name, builder, callSite });
  flows.set(name, defined);
  return defined;
}

/** Tells whether a value is what `flow(name, builder)` gave. */
export function isFlow(value: unknown): value is AnyFlow {
  const { builder } = (value ?? {}) as Partial<AnyFlow>;
  return typeof builder === "function";
}

/**
 * Finds a registered flow.
 *
 * @throws {LucioleError} If no flow has the name; those that are registered are told. Code "flow-unknown".
 */
export function findFlow(name: string): AnyFlow {
  const found = flows.get(name);
  if (found !== undefined) return found;
  const near = nearestName(name, flowNames());
  const hint =
    near === undefined
      ? "; define flows at the top level of the module, not inside of the driver function"
      : `; did you mean "${near}"?`;
  const known = flowNames().length === 0 ? "it defines none" : `it defines ${flowNames().join(", ")}`;
  const message = `Cannot find flow "${name}": the program, as workers load it, does not define it, ${known}${hint}`;
  throw new LucioleError("flow-unknown", message, { fields: { flow: name } });
}

/** The names of the program's flows in the order of their definition; the engine's own are left out. */
export function flowNames(): readonly string[] {
  return [...flows.keys()].filter((name) => !name.startsWith("luciole-"));
}
