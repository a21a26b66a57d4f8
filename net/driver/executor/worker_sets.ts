/**
 * Gets executions the workers that they ask for, and takes these back: asks the program's own scheduler where there is
 * one, keeps the queue of those that wait for room, and its clock.
 *
 * Who gets what is decided in core/connected/graph_queue.ts.
 */

import type { GraphEvent } from "../../../core/connected/graph_queue.ts";
import { GraphQueue } from "../../../core/connected/graph_queue.ts";
import type { AskedGraph } from "../../../core/connected/graph_states.ts";
import { describeThrown, LucioleError } from "../../../core/errors.ts";
import { show } from "../../../core/graph/arguments.ts";
import { DeadlineTimer } from "../../deadline_timer.ts";
import { checkNumbers, type ExecuteLimits } from "../execute_limits.ts";
import type { GraphToSchedule, GraphWorker } from "../graph_scheduler.ts";
import type { Executor } from "./executor.ts";

/** What a program's scheduler may take. */
const SCHEDULE_MS = 10_000;

export interface WorkerSetsOptions {
  readonly executor: Executor;
  readonly memoryBytesPerWorker: () => number;
  /** More workers may join the job. */
  readonly mayGrow: () => boolean;
  readonly log: (text: string) => void;
}

export interface SetRequest {
  /** It is a worker program. */
  readonly isGang: boolean;
  readonly execution: string;
  readonly flow: string;
  readonly limits: ExecuteLimits;
  /** Ids of the datasets that it reads. */
  readonly datasets: readonly string[];
  /** False when it has ended meanwhile. */
  readonly isWanted: () => boolean;
  /** How much there is to do, for those who ask. */
  readonly estimate: () => Promise<Pick<GraphToSchedule, "tasks" | "bytes">>;
}

export interface TakenSet {
  readonly workers: readonly number[];
  /** Of the operators of each worker. */
  readonly memoryBytes: number;
}

export class WorkerSets {
  readonly #options: WorkerSetsOptions;
  readonly #queue = new GraphQueue();
  readonly #waiting = new Map<string, PromiseWithResolvers<readonly number[] | undefined>>();
  readonly #timer = new DeadlineTimer(() => this.#apply({ kind: "tick" }));

  constructor(options: WorkerSetsOptions) {
    this.#options = options;
    options.executor.onWorkersChanged = () => this.#apply({ kind: "workersChanged" });
    options.executor.wantedWorkers = () => this.#queue.wanted;
  }

  /**
   * Resolves with the set when there is room; undefined when the execution left meanwhile.
   *
   * @throws {NotEnoughResourcesError} If there never will be, or it may not wait.
   */
  async take(request: SetRequest): Promise<TakenSet | undefined> {
    const { execution, flow, limits } = request;
    const width = this.#width(limits);
    const wants = limits.schedule === undefined ? limits.wants : await this.#schedule(request);
    if (!request.isWanted()) return undefined;
    const waiting = Promise.withResolvers<readonly number[] | undefined>();
    this.#waiting.set(execution, waiting);
    const graph: AskedGraph = {
      execution,
      flow,
      mayQueue: limits.mayQueue,
      isGang: request.isGang,
      wants: Array.isArray(wants)
        ? { workers: wants }
        : { count: Number(wants ?? this.#most(width)), width, inputs: this.#inputBytes(request.datasets) },
    };
    this.#apply({ kind: "asked", graph });
    const workers = await waiting.promise;
    return workers && { workers, memoryBytes: width * this.#options.memoryBytesPerWorker() };
  }

  /** Its workers now: it may have got others since it took them. */
  heldBy(execution: string): readonly number[] | undefined {
    return this.#queue.heldBy(execution);
  }

  /** It has ended, or does not want workers any more. */
  leave(execution: string): void {
    this.#waiting.get(execution)?.resolve(undefined);
    this.#waiting.delete(execution);
    this.#apply({ kind: "left", execution });
  }

  /** Workers of one agent that make up what each worker of the execution is to have. */
  #width({ cpu, memoryBytes }: ExecuteLimits): number {
    const own = this.#options.memoryBytesPerWorker();
    return Math.max(1, Math.ceil(cpu), Math.ceil(memoryBytes / Math.max(1, own)));
  }

  /** An execution that only says what each worker must have gets as many as there are. */
  #most(width: number): number {
    const byAgent = Map.groupBy(this.#options.executor.datasets.places(), ({ agent }) => agent);
    const most = [...byAgent.values()].reduce((sum, { length }) => sum + Math.floor(length / width), 0);
    return Math.max(1, most);
  }

  #inputBytes(datasets: readonly string[]): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    for (const dataset of datasets) {
      for (const [agent, bytes] of this.#options.executor.datasets.bytesByAgent(dataset)) {
        sums.set(agent, (sums.get(agent) ?? 0) + bytes);
      }
    }
    return sums;
  }

  async #schedule(request: SetRequest): Promise<readonly number[]> {
    const { flow, limits, datasets } = request;
    const { schedule, wants } = limits;
    if (schedule === undefined) return [];
    const { executor } = this.#options;
    const graph: GraphToSchedule = {
      flow,
      ...(await request.estimate()),
      ...(wants === undefined ? {} : { workers: wants }),
      resources: { cpu: limits.cpu, memory: limits.memoryBytes },
      inputs: datasets.map((dataset) => ({
        dataset,
        agents: Object.fromEntries(executor.datasets.bytesByAgent(dataset)),
      })),
    };
    const answer = await answerOf(flow, async () => schedule(graph, this.#view(datasets)));
    checkNumbers(flow, "the answer of schedule", answer);
    const count = typeof wants === "number" ? wants : wants?.length;
    if (count !== undefined && count !== answer.length) {
      throw new RangeError(
        `Cannot execute flow "${flow}": the answer of schedule must be ${count} workers, as was asked for, got ${show(answer)}`,
      );
    }
    return answer;
  }

  #view(datasets: readonly string[]): readonly GraphWorker[] {
    const inputs = this.#inputBytes(datasets);
    const memoryBytes = this.#options.memoryBytesPerWorker();
    return this.#options.executor.datasets.places().map((place) => ({
      ...place,
      executions: this.#queue.holders(place.worker),
      memoryBytes,
      inputBytes: inputs.get(place.agent) ?? 0,
    }));
  }

  #apply(event: GraphEvent): void {
    const { executor, mayGrow, log } = this.#options;
    const { datasets } = executor;
    const isOpen = (execution: string): boolean => datasets.readsOpenChannel(execution);
    const around = { places: datasets.places(), mayGrow: mayGrow(), isOpen };
    for (const command of this.#queue.apply(event, around, performance.now())) {
      const { execution } = command;
      const waiting = this.#waiting.get(execution);
      if (command.kind === "queued") {
        log(`waiting: flow "${command.flow}"${command.why === "" ? "" : `: ${command.why}`}`);
        continue;
      }
      this.#waiting.delete(execution);
      if (command.kind === "granted") {
        if (waiting !== undefined) waiting.resolve(command.workers);
        else executor.feed({ kind: "executionMoved", execution, workers: command.workers });
      } else if (waiting !== undefined) {
        waiting.reject(command.error);
      } else {
        executor.cancel(execution, command.error);
      }
    }
    const deadline = this.#queue.nextDeadline();
    // Nothing waits for time: nor must the process.
    if (deadline === Number.POSITIVE_INFINITY) this.#timer.stop();
    else this.#timer.arm(deadline);
  }
}

/** What a program's scheduler says, within its time. */
async function answerOf(flow: string, ask: () => Promise<readonly number[]>): Promise<readonly number[]> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `Cannot execute flow "${flow}": its schedule function gave no answer for ${SCHEDULE_MS / 1000} s`;
    timer = setTimeout(() => reject(new LucioleError("schedule", message)), SCHEDULE_MS);
  });
  try {
    return await Promise.race([ask(), late]);
  } catch (cause) {
    if (cause instanceof LucioleError && cause.code === "schedule") throw cause;
    const message = `Cannot execute flow "${flow}": its schedule function threw: ${describeThrown(cause)}`;
    throw new LucioleError("schedule", message, { cause });
  } finally {
    clearTimeout(timer);
  }
}
