/**
 * The scheduler of one job in motion: feeds it events with the time, hands its commands on in their order, and
 * keeps its clock while it needs one.
 *
 * It knows no agent: launches of one turn are given together by agent, everything else one by one.
 */

import type { TaskOrder } from "../../../core/schedule/attempts/order.ts";
import { applyAll, needsTicks } from "../../../core/schedule/job_scheduler.ts";
import type { JobCommand, JobEvent, JobState } from "../../../core/schedule/job_state.ts";

const TICK_MS = 200;

export interface SchedulerTurns {
  launch(agent: string, orders: readonly TaskOrder[]): void;
  perform(command: Exclude<JobCommand, { kind: "launch" }>): void;
}

export class SchedulerLoop {
  readonly #state: JobState;
  readonly #turns: SchedulerTurns;
  #isEnding = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Of those who wait for what happens next. */
  #next: PromiseWithResolvers<void> | undefined;

  constructor(state: JobState, turns: SchedulerTurns) {
    this.#state = state;
    this.#turns = turns;
  }

  feed(events: readonly JobEvent[]): void {
    if (events.length === 0) return;
    const launches = new Map<string, TaskOrder[]>();
    for (const command of applyAll(this.#state, events, performance.now())) {
      if (command.kind === "launch") {
        const orders = launches.get(command.agent) ?? [];
        orders.push(command.order);
        launches.set(command.agent, orders);
      } else {
        this.#flush(launches);
        this.#turns.perform(command);
      }
    }
    this.#flush(launches);
    this.#keepTime();
    this.#next?.resolve();
    this.#next = undefined;
  }

  /** Resolves after the next turn, or at the end of the job. */
  next(): Promise<void> {
    this.#next ??= Promise.withResolvers();
    return this.#next.promise;
  }

  /** No ticks from now on. */
  beginEnd(): void {
    this.#isEnding = true;
    clearInterval(this.#timer);
    this.#next?.resolve();
  }

  #flush(launches: Map<string, TaskOrder[]>): void {
    for (const [agent, orders] of launches) this.#turns.launch(agent, orders);
    launches.clear();
  }

  #keepTime(): void {
    if (!this.#isEnding && needsTicks(this.#state)) {
      this.#timer ??= setInterval(() => this.feed([{ kind: "tick" }]), TICK_MS);
    } else {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }
}
