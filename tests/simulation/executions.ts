/**
 * The executions of a simulated job: when each is submitted, with which workers, and whether it ended as it must, as
 * net/driver/driver_job.ts has them.
 */
import type { AskedGraph } from "../../core/connected/graph_states.ts";
import type { WireError } from "../../core/errors.ts";
import type { PhysicalPlan } from "../../core/plan/physical.ts";
import type { JobEvent, JobState } from "../../core/schedule/job_state.ts";
import type { ExecutionOutcome } from "../../core/schedule/outcome.ts";
import { NO_TOTALS } from "../../core/schedule/report.ts";
import type { Copies } from "./copies.ts";
import { STRANGE } from "./hearing.ts";
import type { Launches } from "./launches.ts";
import type { Process } from "./network.ts";
import type { Outputs } from "./outputs.ts";
import { Rooms } from "./rooms.ts";
import { COMPARE, type Shards } from "./rows.ts";
import { type World, wireError } from "./world.ts";

const REPLAYED: ExecutionOutcome = { kind: "done", totals: NO_TOTALS, stages: [] };
/** Of errors that no gang may end with: all of its members run one program. */
const NEVER = new Set(["collective-mismatch", "collective-timeout", "member-returned"]);

export interface SubmitOptions {
  /** The workers that it asks for. */
  readonly wants?: AskedGraph["wants"] | undefined;
  /** An earlier driver saw its end: the outputs that are wanted from the start. */
  readonly held?: ReadonlySet<number>;
}

interface Execution {
  readonly plan: PhysicalPlan;
  readonly expected: readonly Shards[];
  outcome?: ExecutionOutcome;
}

export interface ExecutionsOptions {
  readonly job: string;
  readonly state: JobState;
  readonly driver: Process & { feed(event: JobEvent): void };
  readonly outputs: Outputs;
  readonly launches: Launches;
  /** Its checkpoint. */
  readonly copies: Copies | undefined;
  /** More workers may join. */
  readonly mayGrow: () => boolean;
  /** No worker is left, and none is looked for. */
  readonly isAlone: () => boolean;
  readonly onEnded: (execution: string, outcome: ExecutionOutcome) => void;
}

export class Executions {
  readonly known = new Map<string, Execution>();
  readonly rooms: Rooms;
  readonly #options: ExecutionsOptions;
  readonly #world: World;
  /** Handles that are gone, perhaps before the execution is known to the scheduler. */
  readonly #dropped = new Set<string>();

  constructor(options: ExecutionsOptions, world: World) {
    this.#options = options;
    this.#world = world;
    const { state, driver, mayGrow } = options;
    const cancel = (id: string, cause: WireError): void => this.cancel(id, cause);
    this.rooms = new Rooms({ state, driver, cancel, mayGrow }, world);
  }

  release(dataset: string): void {
    const { driver, outputs } = this.#options;
    outputs.datasets.delete(dataset);
    this.#dropped.add(dataset);
    driver.feed({ kind: "datasetReleased", dataset });
  }

  submit(
    id: string,
    plan: PhysicalPlan,
    followed: ReadonlySet<number>,
    { wants, held }: SubmitOptions = {},
  ): void {
    const expected = this.#options.outputs.open(id, plan, held !== undefined);
    this.known.set(id, { plan, expected, ...(held === undefined ? {} : { outcome: REPLAYED }) });
    this.#world.plans.set(`${this.#options.job}/${id}`, plan);
    this.#options.launches.define(id);
    if (wants === undefined) {
      this.#begin(id, plan, { followed, held });
      return;
    }
    const isGang = plan.groups.some(({ head }) => head.kind === "worker");
    this.rooms.ask({
      graph: { execution: id, flow: id, wants, mayQueue: true, isGang },
      onGranted: (workers) => this.#begin(id, plan, { followed, held, workers }),
      onRefused: (error) => this.end(id, { kind: "failed", error }),
    });
  }

  /** Those with a handle that was dropped before are known by now. */
  #begin(
    execution: string,
    plan: PhysicalPlan,
    {
      followed,
      held,
      workers,
    }: {
      readonly followed: ReadonlySet<number>;
      readonly held: ReadonlySet<number> | undefined;
      readonly workers?: readonly number[];
    },
  ): void {
    const sorts = plan.groups.flatMap(({ head }) => (head.kind === "merge" ? [head.order.node] : []));
    const compare = new Map(sorts.map((node) => [node, COMPARE]));
    const { copies } = this.#options;
    const checkpoint = copies && {
      copied: copies.groupsOf(plan),
      kept: copies.keptOf(execution, plan),
      held,
    };
    this.#options.driver.feed({
      kind: "executionSubmitted",
      execution,
      plan,
      compare,
      followed,
      workers,
      checkpoint,
    });
    if (held !== undefined) this.#hold(execution, plan, held);
    for (const dataset of this.#dropped) this.#options.driver.feed({ kind: "datasetReleased", dataset });
    this.checkWorkers();
  }

  /** Handles of an execution of an earlier driver that are wanted after all. */
  #hold(id: string, { outputs }: PhysicalPlan, held: ReadonlySet<number>): void {
    for (const { node, kind } of outputs) {
      if (kind === "dataset" && !held.has(node))
        this.#options.driver.feed({ kind: "datasetHeld", dataset: `${id}.${node}` });
    }
  }

  cancel(execution: string, cause: WireError): void {
    if (this.rooms.waiting.includes(execution)) this.end(execution, { kind: "cancelled", error: cause });
    else this.#options.driver.feed({ kind: "executionCancelled", execution, cause });
  }

  end(id: string, outcome: ExecutionOutcome): void {
    const execution = this.known.get(id);
    if (execution?.outcome === REPLAYED) {
      // What it was made of has failed meanwhile: its outputs cannot be had again.
      this.#options.outputs.forget(id, execution.plan);
      this.#options.onEnded(id, outcome);
      return;
    }
    if (execution === undefined || execution.outcome !== undefined) throw new Error(`${id} ended twice`);
    if (outcome.kind === "failed") checkFailure(id, outcome.error);
    execution.outcome = outcome;
    this.rooms.leave(id);
    this.#world.tell(
      `${this.#options.driver.name}: ${id} ${outcome.kind}${"error" in outcome ? ` ${outcome.error.message}` : ""}`,
    );
    this.#options.outputs.close(id, execution.plan, execution.expected, outcome);
    this.#options.onEnded(id, outcome);
  }

  /** With no worker left, tasks would wait for ever. */
  checkWorkers(): void {
    if (!this.#options.isAlone()) return;
    const cause = wireError("agents-lost", "the job has no worker any more");
    for (const [id, { outcome }] of this.known) if (outcome === undefined) this.cancel(id, cause);
  }
}

function checkFailure(id: string, { code, message }: WireError): void {
  if (message.includes(STRANGE) || NEVER.has(code)) throw new Error(`${id} failed: ${message}`);
}
