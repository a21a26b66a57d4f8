/**
 * The workers of one job, and its epochs: every change of the set begins a new one.
 *
 * Sans-I/O: `apply` takes what happened and returns whom to tell of what. Workers belong to the set from when they
 * are ordered until they are to leave or are lost; an epoch is complete once, when all of its workers have asked for
 * work. It knows nothing of agents but their names, nor of how workers are started, told or ended.
 */
import { InvariantError } from "../schedule/transitions.ts";
import { type Member, moveMember } from "./member_state.ts";
import type { WorkerInfo } from "./worker_info.ts";

export type MembershipEvent =
  /** They are being started. Their numbers are new. */
  | { readonly kind: "added"; readonly workers: readonly WorkerInfo[] }
  /** Asked for work for the first time since its process was started. */
  | { readonly kind: "started"; readonly worker: number }
  /** Its process ended; unless it is final its agent starts another one. */
  | { readonly kind: "exited"; readonly worker: number; readonly cause: string; readonly isFinal: boolean }
  /** They get no new tasks, and are to be removed. */
  | { readonly kind: "leaving"; readonly workers: readonly number[] }
  | { readonly kind: "removed"; readonly workers: readonly number[] }
  | { readonly kind: "agentLost"; readonly agent: string };

export type MembershipCommand =
  /** `joined` and `left` are how many came and went since the epoch before. */
  | {
      readonly kind: "epochBegan";
      readonly epoch: number;
      readonly workers: readonly WorkerInfo[];
      readonly joined: number;
      readonly left: number;
    }
  /** Once for each epoch that is not followed by another before. */
  | { readonly kind: "allJoined"; readonly epoch: number; readonly workers: readonly WorkerInfo[] }
  | { readonly kind: "workerFailed"; readonly worker: WorkerInfo; readonly cause: string }
  | { readonly kind: "workerRestarted"; readonly worker: WorkerInfo };

/** Events that the story of an error tells. */
const MAX_STORY = 40;

export class Membership {
  readonly #members = new Map<number, Member>();
  readonly #story: string[] = [];
  #epoch = 0;
  /** The last epoch that was told as complete. */
  #complete = 0;
  #next = 0;
  /** Numbers below it that nobody had: of two starts at once the later one may be over first. */
  readonly #skipped = new Set<number>();
  /** Of the set, those that have not asked for work yet. */
  #absent = 0;
  #commands: MembershipCommand[] = [];

  /** @throws {InvariantError} When it cannot have happened, with the last events. */
  apply(event: MembershipEvent): readonly MembershipCommand[] {
    this.#commands = [];
    if (this.#story.length >= MAX_STORY) this.#story.shift();
    this.#story.push(describe(event));
    this.#take(event);
    return this.#commands;
  }

  /** 1 for the first workers of the job. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Of the epoch, by number. */
  get workers(): readonly WorkerInfo[] {
    return [...this.#members.values()].filter(isOfSet).map(({ info }) => info);
  }

  /** All of its workers have asked for work. */
  get isComplete(): boolean {
    return this.#complete === this.#epoch;
  }

  /** Beyond all numbers that were used: none is used twice. */
  get next(): number {
    return this.#next;
  }

  /** Whether one has asked for work, or is gone for good. */
  stateOf(worker: number): "absent" | "present" | "gone" {
    const phase = this.#members.get(worker)?.phase;
    if (phase === undefined) return "gone";
    return phase === "joining" ? "absent" : "present";
  }

  /** @throws {InvariantError} When something does not hold that must between two events. */
  check(): void {
    const wrong = this.#wrong();
    if (wrong !== undefined)
      throw new InvariantError(`Cannot trust the job's workers: ${wrong}`, this.#story);
  }

  #wrong(): string | undefined {
    const ofSet = [...this.#members.values()].filter(isOfSet);
    const absent = ofSet.filter(({ phase }) => phase !== "joined" && phase !== "failed").length;
    if (this.#complete > this.#epoch) return `epoch ${this.#complete} is complete before it began`;
    if ([...this.#members.keys()].some((number) => number >= this.#next))
      return "a number will be given again";
    if (this.#absent !== absent) return `${this.#absent} are awaited, and ${absent} have not joined`;
    const isWhole = ofSet.length > 0 && absent === 0;
    if (isWhole !== this.isComplete && this.#epoch > 0 && ofSet.length > 0) {
      return `epoch ${this.#epoch} is ${isWhole ? "whole and was not told" : "told and not whole"}`;
    }
    return undefined;
  }

  #take(event: MembershipEvent): void {
    switch (event.kind) {
      case "added":
        this.#add(event.workers);
        break;
      case "started":
        this.#started(event.worker);
        break;
      case "exited":
        this.#exited(event.worker, event.cause, event.isFinal);
        break;
      case "leaving":
        this.#leave(event.workers, "leaving");
        break;
      case "removed":
        this.#leave(event.workers, "gone");
        break;
      case "agentLost": {
        const lost = [...this.#members.values()].filter(({ info }) => info.agent === event.agent);
        this.#leave(
          lost.map(({ info }) => info.worker),
          "gone",
        );
        break;
      }
    }
  }

  #add(workers: readonly WorkerInfo[]): void {
    if (workers.length === 0) return;
    for (const info of workers) {
      if (info.worker < this.#next && !this.#skipped.delete(info.worker)) {
        throw new InvariantError(`Adding worker ${info.worker}: its number was used before`, this.#story);
      }
      for (let number = this.#next; number < info.worker; number += 1) this.#skipped.add(number);
      this.#next = Math.max(this.#next, info.worker + 1);
      this.#members.set(info.worker, { info, phase: "joining" });
    }
    this.#absent += workers.length;
    this.#begin(workers.length, 0);
  }

  #started(number: number): void {
    const member = this.#members.get(number);
    // What is told of one that is to leave, or has left, is late.
    if (member === undefined || !isOfSet(member) || member.phase === "joined") return;
    const wasAbsent = member.phase === "joining";
    moveMember(member, "joined", this.#story);
    if (wasAbsent) this.#absent -= 1;
    else this.#commands.push({ kind: "workerRestarted", worker: member.info });
    this.#tellComplete();
  }

  #exited(number: number, cause: string, isFinal: boolean): void {
    const member = this.#members.get(number);
    if (member === undefined || !isOfSet(member)) return;
    this.#commands.push({ kind: "workerFailed", worker: member.info, cause });
    if (isFinal) {
      this.#leave([number], "gone");
    } else if (member.phase !== "joining") {
      // It has joined once: others do not wait for it again.
      moveMember(member, "failed", this.#story);
    }
  }

  #leave(numbers: readonly number[], to: "leaving" | "gone"): void {
    let left = 0;
    for (const number of numbers) {
      const member = this.#members.get(number);
      if (member === undefined || member.phase === to) continue;
      if (isOfSet(member)) left += 1;
      if (member.phase === "joining") this.#absent -= 1;
      moveMember(member, to, this.#story);
      if (to === "gone") this.#members.delete(number);
    }
    if (left > 0) this.#begin(0, left);
  }

  #begin(joined: number, left: number): void {
    this.#epoch += 1;
    this.#commands.push({ kind: "epochBegan", epoch: this.#epoch, workers: this.workers, joined, left });
    this.#tellComplete();
  }

  #tellComplete(): void {
    const { workers } = this;
    if (this.isComplete || this.#absent > 0 || workers.length === 0) return;
    this.#complete = this.#epoch;
    this.#commands.push({ kind: "allJoined", epoch: this.#epoch, workers });
  }
}

/** One that is to leave is no member any more. */
function isOfSet({ phase }: Member): boolean {
  return phase !== "leaving" && phase !== "gone";
}

function describe(event: MembershipEvent): string {
  switch (event.kind) {
    case "added":
      return `added ${event.workers.map(({ worker, agent }) => `${worker} on ${agent}`).join(", ")}`;
    case "started":
      return `worker ${event.worker} started`;
    case "exited":
      return `worker ${event.worker} exited: ${event.cause}`;
    case "leaving":
    case "removed":
      return `${event.kind} ${event.workers.join(" ")}`;
    case "agentLost":
      return `agent ${event.agent} lost`;
  }
}
