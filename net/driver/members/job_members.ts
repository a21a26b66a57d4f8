/**
 * The workers of a job as its driver knows them: who is on which agent, who has joined, and who listens for that.
 *
 * Performs what core/job/membership.ts decides. It starts and ends nobody.
 */
import { Membership, type MembershipCommand, type MembershipEvent } from "../../../core/job/membership.ts";
import type { WorkerInfo } from "../../../core/job/worker_info.ts";

/** What programs may listen for. */
export interface MemberListeners {
  allWorkersJoined(workers: readonly WorkerInfo[], epoch: number): void;
  workerFailed(worker: WorkerInfo, cause: string): void;
  workerRestarted(worker: WorkerInfo): void;
}

export const MEMBER_EVENTS = ["allWorkersJoined", "workerFailed", "workerRestarted"] as const;

export function isMemberEvent(event: string): event is keyof MemberListeners {
  return MEMBER_EVENTS.some((name) => name === event);
}

export type EpochCommand = Extract<MembershipCommand, { kind: "epochBegan" | "allJoined" }>;

export class JobMembers {
  readonly #membership = new Membership();
  readonly #listeners: { readonly [E in keyof MemberListeners]: MemberListeners[E][] } = {
    allWorkersJoined: [],
    workerFailed: [],
    workerRestarted: [],
  };
  /** Of those who wait for workers to join or to go. */
  #changed: PromiseWithResolvers<void> | undefined;
  readonly #onEpoch: (command: EpochCommand) => void;
  #next = 0;
  /** Numbers that were given, of workers that are not members yet. */
  readonly #expected = new Set<number>();
  #isClosed = false;

  /** @param onEpoch Told what workers are to hear of. */
  constructor(onEpoch: (command: EpochCommand) => void) {
    this.#onEpoch = onEpoch;
  }

  get epoch(): number {
    return this.#membership.epoch;
  }

  get workers(): readonly WorkerInfo[] {
    return this.#membership.workers;
  }

  get size(): number {
    return this.workers.length;
  }

  /** Numbers for workers that are to be started: the first of so many. None is given twice. */
  reserve(count: number): number {
    const first = this.#next;
    this.#next += count;
    for (let worker = first; worker < this.#next; worker += 1) this.#expected.add(worker);
    return first;
  }

  /** They will not come. */
  giveUp(first: number, count: number): void {
    for (let worker = first; worker < first + count; worker += 1) this.#expected.delete(worker);
  }

  /** Its number was given, and it is not a member yet: it may be there sooner than that is known here. */
  isExpected(worker: number): boolean {
    return this.#expected.has(worker);
  }

  add(workers: readonly WorkerInfo[]): void {
    for (const { worker } of workers) {
      this.#next = Math.max(this.#next, worker + 1);
      this.#expected.delete(worker);
    }
    this.#apply({ kind: "added", workers });
  }

  started(worker: number): void {
    this.#apply({ kind: "started", worker });
  }

  exited(worker: number, cause: string, isFinal: boolean): void {
    this.#apply({ kind: "exited", worker, cause, isFinal });
  }

  leaving(workers: readonly number[]): void {
    this.#apply({ kind: "leaving", workers });
  }

  removed(worker: number): void {
    this.#apply({ kind: "removed", workers: [worker] });
  }

  agentLost(agent: string): void {
    this.#apply({ kind: "agentLost", agent });
  }

  /** Numbers of the workers that are to stay on an agent. */
  on(agent: string): readonly number[] {
    return this.workers.filter((one) => one.agent === agent).map(({ worker }) => worker);
  }

  listen<E extends keyof MemberListeners>(event: E, listener: MemberListeners[E]): void {
    this.#listeners[event].push(listener);
    const { isComplete, epoch, workers } = this.#membership;
    if (event !== "allWorkersJoined" || !isComplete || epoch === 0) return;
    // All had joined before anybody listened. A newer epoch is told by itself.
    queueMicrotask(() => {
      if (this.epoch === epoch) (listener as MemberListeners["allWorkersJoined"])(workers, epoch);
    });
  }

  /** Resolves when all of them have asked for work, or one never will. @returns Whether all have. */
  async untilJoined(workers: readonly number[], signal: AbortSignal): Promise<boolean> {
    const states = () => workers.map((worker) => this.#membership.stateOf(worker));
    const hasAll = (): boolean => states().every((state) => state === "present");
    await this.#until(() => hasAll() || states().includes("gone"), signal);
    return hasAll();
  }

  /** Resolves when the epoch at hand is complete, or has nobody left to wait for. */
  async untilComplete(signal: AbortSignal): Promise<void> {
    await this.#until(() => this.#membership.isComplete || this.size === 0, signal);
  }

  /** Resolves when the agents have told that all of them are gone. @returns Whether they have. */
  async untilGone(workers: readonly number[], signal: AbortSignal): Promise<boolean> {
    const isOver = (): boolean => workers.every((worker) => this.#membership.stateOf(worker) === "gone");
    await this.#until(isOver, signal);
    return isOver();
  }

  /** Nobody waits any more. */
  close(): void {
    this.#isClosed = true;
    this.#changed?.resolve();
  }

  async #until(isOver: () => boolean, signal: AbortSignal): Promise<void> {
    while (!isOver() && !signal.aborted && !this.#isClosed) {
      this.#changed ??= Promise.withResolvers();
      const { promise, resolve } = this.#changed;
      const wake = (): void => resolve();
      signal.addEventListener("abort", wake, { once: true });
      await promise;
      signal.removeEventListener("abort", wake);
      if (this.#changed?.promise === promise) this.#changed = undefined;
    }
  }

  #apply(event: MembershipEvent): void {
    const commands = this.#membership.apply(event);
    const changed = this.#changed;
    this.#changed = undefined;
    changed?.resolve();
    for (const command of commands) this.#perform(command);
  }

  #perform(command: MembershipCommand): void {
    switch (command.kind) {
      case "epochBegan":
        this.#onEpoch(command);
        break;
      case "allJoined":
        this.#onEpoch(command);
        this.#tell("allWorkersJoined", (listener) => listener(command.workers, command.epoch));
        break;
      case "workerFailed":
        this.#tell("workerFailed", (listener) => listener(command.worker, command.cause));
        break;
      case "workerRestarted":
        this.#tell("workerRestarted", (listener) => listener(command.worker));
        break;
    }
  }

  /** What a listener of the program throws is no failure of the job's workers: nobody catches it, as with other events. */
  #tell<E extends keyof MemberListeners>(event: E, tell: (listener: MemberListeners[E]) => void): void {
    for (const listener of this.#listeners[event]) queueMicrotask(() => tell(listener));
  }
}
