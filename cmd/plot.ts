/**
 * `luciole plot PROGRAM`: draws the plan of a flow without running anything.
 */
import { availableParallelism, totalmem } from "node:os";
import { LucioleError } from "../core/errors.ts";
import { buildGraph } from "../core/graph/build.ts";
import type { Graph } from "../core/graph/node.ts";
import { type PlotFormat, plotPlan } from "../core/plan/plot.ts";
import { findFlow, flowNames } from "../core/program/flow.ts";
import * as engine from "../mod.ts";
import { planExecution } from "../net/driver/executor/planning.ts";
import { host } from "../net/program/host.ts";
import { findProgram, importProgram } from "../net/program/load.ts";
import { printResult } from "./output.ts";
import { parsePlotParams } from "./plot_params.ts";

export interface PlotFlags {
  readonly flow?: string;
  /** As JSON. */
  readonly params?: string;
  readonly format: PlotFormat;
  readonly json?: true;
}

export async function plot(program: string, flags: PlotFlags): Promise<void> {
  const params = flags.params === undefined ? undefined : { value: parsePlotParams(flags.params) };
  await importFlows(await findProgram(program, "plot"));
  const name = chooseFlow(program, flags.flow);
  const graph = graphOf(name, params);
  const plan = await planExecution(graph, { slots: availableParallelism(), memoryBytes: totalmem() / 2 });
  const drawing = plotPlan(graph, plan, flags.format);
  printResult(drawing, { flow: name, format: flags.format, drawing }, flags.json === true);
}

/** @throws {LucioleError} code "usage" when the builder needs parameters and fails without. */
function graphOf(name: string, params: { readonly value: unknown } | undefined): Graph {
  const flow = findFlow(name);
  try {
    return buildGraph(flow, params?.value).graph;
  } catch (error) {
    if (params !== undefined || flow.builder.length < 2) throw error;
    const advice = `the flow "${name}" takes parameters: give them with --params '{…}'`;
    throw new LucioleError("usage", `Cannot plot it: ${advice}`, { cause: error });
  }
}

/** Loads a program up to its call of `run`; what stands behind it would need a job. */
async function importFlows(path: string): Promise<void> {
  const called = Promise.withResolvers<void>();
  host.onRun = () => {
    called.resolve();
    return new Promise(() => {});
  };
  await Promise.race([importProgram(path, engine), called.promise]);
}

function chooseFlow(program: string, wanted: string | undefined): string {
  const names = flowNames();
  const [only, ...others] = names;
  const known = names.length === 0 ? "it defines none" : `it defines ${names.join(", ")}`;
  if (wanted !== undefined && !names.includes(wanted)) {
    throw new LucioleError("usage", `Cannot plot flow "${wanted}" of "${program}": ${known}`);
  }
  if (wanted !== undefined) return wanted;
  if (only !== undefined && others.length === 0) return only;
  const advice = only === undefined ? "" : "; choose one with --flow";
  throw new LucioleError("usage", `Cannot plot "${program}": ${known}${advice}`);
}
