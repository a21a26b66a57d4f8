/**
 * What all simulated processes of one run share: time, network, chance, the file system of the outputs, and what the
 * tasks of the run are to do.
 */
import type { WireError } from "../../core/errors.ts";
import type { PhysicalPlan } from "../../core/plan/physical.ts";
import type { TaskOrder } from "../../core/schedule/attempts/order.ts";
import type { GangRules } from "./gang_rules.ts";
import type { Network } from "./network.ts";
import type { OutputFiles } from "./output_files.ts";
import type { AgentPort } from "./ports.ts";
import type { Random } from "./random.ts";
import type { Timeline } from "./timeline.ts";

export interface World {
  readonly timeline: Timeline;
  readonly network: Network;
  readonly random: Random;
  /** Set when drivers and workers send messages to each other. */
  readonly mails: Random | undefined;
  readonly files: OutputFiles;
  readonly gangs: GangRules;
  /** What went wrong where nobody can be told. */
  readonly wrong: unknown[];
  readonly agents: Map<string, AgentPort>;
  /** By job and execution. */
  readonly plans: Map<string, PhysicalPlan>;
  /** How long a task takes, and what its code throws. */
  readonly work: (job: string, order: TaskOrder) => { readonly ms: number; readonly error?: WireError };
  /** Takes note of something that happened, for the story of the run. */
  readonly tell: (what: string) => void;
}

export function planOfOrder({ plans }: World, job: string, { execution }: TaskOrder): PhysicalPlan {
  const plan = plans.get(`${job}/${execution}`);
  if (plan === undefined) throw new Error(`${job}/${execution} has no plan`);
  return plan;
}

/** An error as it travels, made without the cost of a stack. */
export function wireError(
  code: string,
  message: string,
  fields: WireError["fields"] = {},
  isRetryable = false,
): WireError {
  return { name: "LucioleError", code, message, fields, retryable: isRetryable };
}
