/**
 * Which workers the executions of a simulated job have, by the production queue of those that ask for some, as
 * net/driver/executor/worker_sets.ts keeps it.
 */
import { type GraphEvent, GraphQueue } from "../../core/connected/graph_queue.ts";
import type { AskedGraph } from "../../core/connected/graph_states.ts";
import { toWireError, type WireError } from "../../core/errors.ts";
import type { JobEvent, JobState } from "../../core/schedule/job_state.ts";
import { readsOpenChannel, workerPlaces } from "../../core/schedule/slots/worker_places.ts";
import type { Process } from "./network.ts";
import type { World } from "./world.ts";

export interface RoomsOptions {
  readonly state: JobState;
  readonly driver: Process & { feed(event: JobEvent): void };
  readonly cancel: (execution: string, cause: WireError) => void;
  /** More workers may join. */
  readonly mayGrow: () => boolean;
}

export interface Guest {
  readonly graph: AskedGraph;
  readonly onGranted: (workers: readonly number[]) => void;
  readonly onRefused: (error: WireError) => void;
}

export class Rooms {
  readonly #options: RoomsOptions;
  readonly #world: World;
  readonly #queue = new GraphQueue();
  /** In the order of asking. */
  readonly #waiting = new Map<string, Guest>();
  /** Places of executions in the order of asking. */
  readonly #asked = new Map<string, number>();
  /** Executions that asked for a number of workers, and get none. */
  refusals = 0;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(options: RoomsOptions, world: World) {
    this.#options = options;
    this.#world = world;
  }

  /** How many workers are waited for. */
  get wanted(): number {
    return this.#queue.wanted;
  }

  /** Executions that wait. */
  get waiting(): readonly string[] {
    return [...this.#waiting.keys()];
  }

  ask(guest: Guest): void {
    this.#asked.set(guest.graph.execution, this.#asked.size);
    this.#waiting.set(guest.graph.execution, guest);
    this.#apply({ kind: "asked", graph: guest.graph });
  }

  leave(execution: string): void {
    this.#waiting.delete(execution);
    this.#apply({ kind: "left", execution });
  }

  workersChanged(): void {
    this.#apply({ kind: "workersChanged" });
  }

  #apply(event: GraphEvent): void {
    const { state, driver, cancel, mayGrow } = this.#options;
    if (!driver.isUp) return;
    const places = workerPlaces(state);
    const isOpen = (execution: string): boolean => readsOpenChannel(state, execution);
    const around = { places, mayGrow: mayGrow(), isOpen };
    const commands = this.#queue.apply(event, around, this.#world.timeline.now);
    this.#queue.check();
    const decided = commands.filter((command) => command.kind !== "queued");
    const guests = decided.map(({ execution }) => this.#waiting.get(execution));
    // Who begins may end at once, and others are served then.
    for (const { execution } of decided) this.#waiting.delete(execution);
    for (const [i, command] of decided.entries()) {
      const { execution } = command;
      const guest = guests[i];
      if (command.kind === "refused") {
        this.refusals += 1;
        if (guest === undefined) cancel(execution, toWireError(command.error));
        else guest.onRefused(toWireError(command.error));
      } else if (guest === undefined) {
        driver.feed({ kind: "executionMoved", execution, workers: command.workers });
      } else {
        this.#checkGrant(guest, command.workers);
        guest.onGranted(command.workers);
      }
    }
    this.#arm();
  }

  /** It gets as many as it asked for, of those that are there, and nobody who waited before is overtaken. */
  #checkGrant({ graph: { execution, wants } }: Guest, workers: readonly number[]): void {
    if (!("count" in wants)) return;
    const there = workerPlaces(this.#options.state).map(({ worker }) => worker);
    const isRight = workers.length === wants.count && workers.every((worker) => there.includes(worker));
    if (!isRight)
      throw new Error(`${execution} asked for ${wants.count} workers of ${there}, and got ${workers}`);
    const before = [...this.#waiting.values()].filter(({ graph }) => "count" in graph.wants);
    const overtaken = before.find(({ graph }) => this.#placeOf(graph.execution) < this.#placeOf(execution));
    if (overtaken !== undefined) throw new Error(`${execution} overtakes ${overtaken.graph.execution}`);
  }

  #placeOf(execution: string): number {
    return this.#asked.get(execution) ?? 0;
  }

  #arm(): void {
    const deadline = this.#queue.nextDeadline();
    if (deadline === Number.POSITIVE_INFINITY || deadline >= this.#timerAt) return;
    this.#timerAt = deadline;
    const { driver } = this.#options;
    const { life } = driver;
    this.#world.timeline.after(deadline - this.#world.timeline.now + 1, () => {
      if (this.#timerAt !== deadline || driver.life !== life) return;
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#apply({ kind: "tick" });
    });
  }
}
