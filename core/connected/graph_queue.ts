/**
 * The executions of a job that asked for a set of workers: who holds which, and who waits for room.
 *
 * Sans-I/O. A number of workers is given from those that nobody holds, in the order of asking: who waits is not
 * overtaken. Named workers are given at once, also when others hold them; tasks then share slots. What can never be
 * given is refused with what there is, and nobody waits for workers that do not come.
 */
import { NotEnoughResourcesError } from "../errors.ts";
import { plural } from "../program/plural.ts";
import { InvariantError } from "../schedule/transitions.ts";
import { chooseWorkers, mostWorkers, type WorkerPlace } from "./graph_places.ts";
import { type AskedGraph, type GraphState, moveGraph } from "./graph_states.ts";

export type GraphEvent =
  | { readonly kind: "asked"; readonly graph: AskedGraph }
  /** It has ended, or does not want any more. */
  | { readonly kind: "left"; readonly execution: string }
  /** Workers came or went. */
  | { readonly kind: "workersChanged" }
  | { readonly kind: "tick" };

export type GraphCommand =
  /** The second time for workers in the place of those that are gone. */
  | { readonly kind: "granted"; readonly execution: string; readonly workers: readonly number[] }
  | { readonly kind: "refused"; readonly execution: string; readonly error: NotEnoughResourcesError }
  /** It waits for room; told once. */
  | { readonly kind: "queued"; readonly execution: string; readonly flow: string; readonly why: string };

/** What the queue looks at when it decides. */
export interface GraphSurroundings {
  /** Workers that may be given tasks now. */
  readonly places: readonly WorkerPlace[];
  /** More workers may join. */
  readonly mayGrow: boolean;
  /** True for an execution that reads an open channel: it holds its workers for as long as its driver likes. */
  readonly isOpen: (execution: string) => boolean;
}

/** A graph waits so long for workers to join, or for channels to be closed, when nothing else can give it room. */
const HOPELESS_MS = 60_000;
/** Whether there is hope is looked at again so often: channels are opened and closed meanwhile. */
const LOOK_MS = 10_000;

export class GraphQueue {
  readonly #graphs = new Map<string, GraphState>();
  #commands: GraphCommand[] = [];
  #nextLook = Number.POSITIVE_INFINITY;

  /** Takes what happened at `now`; returns what follows, in order. */
  apply(event: GraphEvent, around: GraphSurroundings, now: number): readonly GraphCommand[] {
    this.#commands = [];
    if (event.kind === "asked") this.#ask(event.graph, around, now);
    else if (event.kind === "left") this.#leave(event.execution);
    else if (event.kind === "workersChanged") this.#replace(around);
    this.#serve(around, now);
    return this.#commands;
  }

  /** When a `tick` is due; Infinity when nobody waits for time. */
  nextDeadline(): number {
    return this.#nextLook;
  }

  /** The workers of an execution that has some. */
  heldBy(execution: string): readonly number[] | undefined {
    return this.#graphs.get(execution)?.held?.workers;
  }

  /** How many workers are waited for. */
  get wanted(): number {
    let wanted = 0;
    for (const { phase, asked } of this.#graphs.values()) {
      if (phase === "waiting" && "count" in asked.wants) wanted += asked.wants.count * asked.wants.width;
    }
    return wanted;
  }

  /** How many executions hold a worker. */
  holders(worker: number): number {
    let count = 0;
    for (const { held } of this.#graphs.values()) if (held?.taken.includes(worker)) count += 1;
    return count;
  }

  /** @throws {InvariantError} When something does not hold that must between two events. */
  check(): void {
    const owners = new Map<number, string>();
    for (const { phase, held, asked } of this.#graphs.values()) {
      const story = [`${asked.flow} is ${phase}`];
      if ((phase === "holding") !== (held !== undefined)) {
        throw new InvariantError(`Graph ${asked.execution} holds what is not its own`, story);
      }
      if (!("count" in asked.wants)) continue;
      for (const worker of held?.taken ?? []) {
        const other = owners.get(worker);
        if (other !== undefined) {
          throw new InvariantError(`Worker ${worker} was given to ${other} and ${asked.execution}`, story);
        }
        owners.set(worker, asked.execution);
      }
    }
  }

  #ask(asked: AskedGraph, around: GraphSurroundings, now: number): void {
    const { places, mayGrow } = around;
    const graph: GraphState = {
      asked,
      askedAt: now,
      phase: "waiting",
      held: undefined,
      hopelessSince: undefined,
    };
    this.#graphs.set(asked.execution, graph);
    const { wants, mayQueue } = asked;
    if (!("count" in wants)) {
      this.#grantNamed(graph, wants.workers, places);
      return;
    }
    const most = mostWorkers(places, wants.width);
    const isServed = this.#isFirst(graph) && this.#grant(graph, places);
    if (isServed) return;
    const why = this.#why(graph, around);
    if (!mayQueue || (most < wants.count && !mayGrow)) this.#refuse(graph, why);
    else this.#commands.push({ kind: "queued", execution: asked.execution, flow: asked.flow, why });
  }

  /** Gives room to those who wait, in their order; the first one who finds none keeps the others waiting. */
  #serve(around: GraphSurroundings, now: number): void {
    this.#nextLook = Number.POSITIVE_INFINITY;
    for (const graph of [...this.#graphs.values()]) {
      if (graph.phase !== "waiting" || this.#grant(graph, around.places)) continue;
      if (!this.#isHopeless(graph, around)) {
        graph.hopelessSince = undefined;
        this.#nextLook = now + LOOK_MS;
        return;
      }
      graph.hopelessSince ??= now;
      const deadline = graph.hopelessSince + HOPELESS_MS;
      if (now < deadline && this.#mayChange(graph, around)) {
        this.#nextLook = deadline;
        return;
      }
      this.#refuse(graph, this.#why(graph, around));
    }
  }

  /** It would not get its workers either if all that will end had ended. */
  #isHopeless({ asked: { wants } }: GraphState, { places, isOpen }: GraphSurroundings): boolean {
    if (!("count" in wants)) return false;
    const open = [...this.#graphs.values()].filter(({ asked }) => isOpen(asked.execution));
    const kept = new Set(open.flatMap(({ held }) => held?.taken ?? []));
    return (
      mostWorkers(
        places.filter(({ worker }) => !kept.has(worker)),
        wants.width,
      ) < wants.count
    );
  }

  /** Workers may join, or a channel be closed. */
  #mayChange({ asked: { wants } }: GraphState, { places, mayGrow }: GraphSurroundings): boolean {
    return mayGrow || ("count" in wants && mostWorkers(places, wants.width) >= wants.count);
  }

  #isFirst(graph: GraphState): boolean {
    return [...this.#graphs.values()].find(({ phase }) => phase === "waiting") === graph;
  }

  #grantNamed(graph: GraphState, workers: readonly number[], places: readonly WorkerPlace[]): void {
    const missing = workers.filter((worker) => !places.some((place) => place.worker === worker));
    if (missing.length > 0) {
      const there = places.map(({ worker }) => worker).join(", ");
      this.#refuse(graph, `it asks for worker ${missing.join(", ")}, and the job has workers ${there}`);
      return;
    }
    this.#hold(graph, { workers, taken: workers });
  }

  #grant(graph: GraphState, places: readonly WorkerPlace[]): boolean {
    const { wants } = graph.asked;
    if (!("count" in wants)) return false;
    const chosen = chooseWorkers(
      places.filter(({ worker }) => this.holders(worker) === 0),
      wants,
    );
    if (chosen === undefined) return false;
    this.#hold(graph, chosen);
    return true;
  }

  #hold(graph: GraphState, held: NonNullable<GraphState["held"]>): void {
    moveGraph(graph, "holding");
    graph.held = held;
    this.#commands.push({ kind: "granted", execution: graph.asked.execution, workers: held.workers });
  }

  #refuse(graph: GraphState, why: string): void {
    moveGraph(graph, "refused");
    const { execution, flow } = graph.asked;
    this.#graphs.delete(execution);
    const error = new NotEnoughResourcesError(`Cannot execute flow "${flow}": ${why}`, {
      fields: { execution, flow },
    });
    this.#commands.push({ kind: "refused", execution, error });
  }

  #leave(execution: string): void {
    const graph = this.#graphs.get(execution);
    if (graph === undefined) return;
    moveGraph(graph, "left");
    this.#graphs.delete(execution);
  }

  /** Those that have lost all of their workers get others, unless they named them; worker programs when they have lost one. */
  #replace({ places, mayGrow }: GraphSurroundings): void {
    const there = new Set(places.map(({ worker }) => worker));
    for (const graph of [...this.#graphs.values()]) {
      const { held, asked } = graph;
      if (held === undefined) continue;
      const workers = held.workers.filter((worker) => there.has(worker));
      const taken = held.taken.filter((worker) => there.has(worker));
      graph.held = { workers, taken };
      if (workers.length >= (asked.isGang === true ? held.workers.length : 1)) continue;
      const isMoved = "count" in asked.wants && this.#move(graph, asked.wants.count, places);
      if (isMoved) continue;
      // It may go on with its members: those that leave end it first. Has it to begin again, the scheduler waits for
      // others, and says what is missing when none come. Of others it waits for what tasks of named workers still perform.
      // So it does where others may come for all that it had.
      if (asked.isGang === true || (mayGrow && "count" in asked.wants))
        graph.held = { workers: held.workers, taken };
      else if ("count" in asked.wants) {
        graph.held = undefined;
        const gone = held.workers.filter((worker) => !there.has(worker)).join(", ");
        this.#refuse(graph, `its workers ${gone} are gone`);
      }
    }
  }

  /** Other workers for one that has begun: rather than not going on it shares what there is. */
  #move(graph: GraphState, count: number, places: readonly WorkerPlace[]): boolean {
    const before = graph.held;
    graph.held = undefined;
    if (this.#grant(graph, places)) return true;
    const rest = places.slice(0, Math.max(1, count)).map(({ worker }) => worker);
    const isEnough = rest.length >= (graph.asked.isGang === true ? count : 1);
    if (isEnough) this.#hold(graph, { workers: rest, taken: [] });
    else graph.held = before;
    return isEnough;
  }

  #why({ asked }: GraphState, { places, isOpen }: GraphSurroundings): string {
    const { wants } = asked;
    if (!("count" in wants)) return "";
    const each = wants.width === 1 ? "" : ` with the resources of ${wants.width} each`;
    const free = places.filter(({ worker }) => this.holders(worker) === 0).length;
    const holders = [...this.#graphs.values()].filter(({ phase }) => phase === "holding");
    const names = holders.map(({ asked: { flow, execution } }) => {
      return `"${flow}" (${execution}${isOpen(execution) ? ", which reads an open channel" : ""})`;
    });
    const by = names.length === 0 ? "" : `, the others are held by ${names.join(", ")}`;
    const asks = `it asks for ${plural(wants.count, "worker")}${each}`;
    const there = plural(places.length, "worker");
    return `${asks}, and ${free} of the job's ${there} ${free === 1 ? "is" : "are"} free${by}`;
  }
}
