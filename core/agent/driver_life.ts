/**
 * The states of a detached driver on one agent, and the only place that changes them.
 *
 * docs/states.md shows the table; a test compares both.
 */
import type { DriverState } from "../cluster/driver_info.ts";
import { checkMove, type Table } from "../schedule/transitions.ts";

export const DRIVER_TRANSITIONS: Table<DriverState | "forgotten"> = {
  guarded: ["starting", "forgotten"],
  starting: ["running", "ending", "succeeded", "failed"],
  running: ["ending", "succeeded", "failed"],
  ending: ["succeeded", "cancelled", "lost"],
  succeeded: ["forgotten"],
  failed: ["forgotten"],
  cancelled: ["forgotten"],
  lost: ["forgotten"],
  forgotten: [],
};

/** How its process ended. */
export interface DriverExit {
  readonly exitCode: number;
  /** What a person is to read of it. */
  readonly cause: string;
}

/** Why it is told to end: somebody wants it to, or its agent ends. */
export type DriverStop =
  | { readonly kind: "cancel"; readonly by: string }
  | { readonly kind: "agent"; readonly why: string };

export class DriverLife {
  readonly #job: string;
  readonly #story: string[] = [];
  #state: DriverState | "forgotten";
  #stop: DriverStop | undefined;

  constructor(job: string, first: "guarded" | "starting") {
    this.#job = job;
    this.#state = first;
  }

  get state(): DriverState | "forgotten" {
    return this.#state;
  }

  /** Whether its process is there, or about to be. */
  get isThere(): boolean {
    return this.#state === "starting" || this.#state === "running" || this.#state === "ending";
  }

  /** It takes the place of one whose agent is lost. */
  takeOver(now: number): void {
    this.#move("starting", now);
  }

  /** Its process has asked what to show to others: the first sign of it. */
  seen(now: number): void {
    if (this.#state === "starting") this.#move("running", now);
  }

  /** @returns Whether it is to be told to end now: the first reason counts. */
  stop(why: DriverStop, now: number): boolean {
    if (this.#state !== "starting" && this.#state !== "running") return false;
    this.#stop = why;
    this.#move("ending", now);
    return true;
  }

  /** Its process is gone. @returns Why, for people; undefined when all is well. */
  exited({ exitCode, cause }: DriverExit, now: number): string | undefined {
    if (exitCode === 0) {
      this.#move("succeeded", now);
      return undefined;
    }
    if (this.#stop === undefined) {
      this.#move("failed", now);
      return cause;
    }
    const isCancel = this.#stop.kind === "cancel";
    this.#move(isCancel ? "cancelled" : "lost", now);
    return this.#stop.kind === "cancel" ? `cancelled by ${this.#stop.by}` : this.#stop.why;
  }

  forget(now: number): void {
    this.#move("forgotten", now);
  }

  #move(to: DriverState | "forgotten", now: number): void {
    const story = this.#story;
    checkMove(DRIVER_TRANSITIONS, { what: "driver", name: this.#job, from: this.#state, to, story });
    story.push(`${now} ${to}`);
    this.#state = to;
  }
}
