/**
 * The workers of a simulated job as its driver knows them, by the production set of workers, and its messages with
 * them, as net/driver/members/job_crew.ts, driver_messages.ts and message_route.ts have them.
 *
 * At the end it compares what everybody heard with what was sent.
 */
import { Membership, type MembershipCommand, type MembershipEvent } from "../../core/job/membership.ts";
import type { WorkerInfo } from "../../core/job/worker_info.ts";
import { Admission, type Decisions, type Sending } from "../../core/messages/admission.ts";
import type { Parcel } from "../../core/messages/letter.ts";
import type { AgentEvent } from "../../core/schedule/attempts/order.ts";
import { CrewEnd } from "./crew_end.ts";
import { letterOf } from "./mail.ts";
import type { WorkerMail } from "./worker_mail.ts";

/** What an agent is to hand on to its workers. */
export type Delivery = readonly { readonly worker: number; readonly parcel: Parcel }[];

export interface CrewOptions {
  readonly now: () => number;
  /** There is something to be carried to the workers of an agent. */
  readonly onMail: (agent: string) => void;
  readonly onEpoch: (epoch: number, workers: readonly WorkerInfo[]) => void;
}

interface CrewSending extends Sending {
  readonly number: number;
  readonly ends: readonly CrewEnd[];
}

export class Crew {
  readonly #options: CrewOptions;
  readonly #membership = new Membership();
  readonly #admission = new Admission<CrewSending>();
  readonly #ends = new Map<number, CrewEnd>();
  readonly #complete = new Set<number>();
  /** Numbers of messages that were refused. */
  readonly #refused = new Set<number>();
  #sent = 0;
  #next = 0;
  /** Numbers that were given, of workers that are no members yet. */
  readonly #expected = new Set<number>();
  /** What workers told before it was known that they are being started. */
  #early: { readonly agent: string; readonly event: AgentEvent }[] = [];

  constructor(options: CrewOptions) {
    this.#options = options;
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

  /** All workers of the epoch have asked for work. */
  get isComplete(): boolean {
    return this.#membership.isComplete;
  }

  stateOf(worker: number): "absent" | "present" | "gone" {
    return this.#membership.stateOf(worker);
  }

  get workers(): readonly WorkerInfo[] {
    return this.#membership.workers;
  }

  on(agent: string): readonly number[] {
    return this.workers.filter((one) => one.agent === agent).map(({ worker }) => worker);
  }

  /** It was a member there, and is none any more. */
  hasLeft(agent: string, worker: number): boolean {
    return this.#ends.get(worker)?.agent === agent && !this.on(agent).includes(worker);
  }

  add(workers: readonly WorkerInfo[]): void {
    for (const info of workers) {
      this.#ends.set(info.worker, new CrewEnd(info));
      this.#next = Math.max(this.#next, info.worker + 1);
      this.#expected.delete(info.worker);
    }
    this.#apply({ kind: "added", workers });
    const early = this.#early;
    this.#early = [];
    for (const told of early) this.hear(told.agent, told.event);
  }

  leave(workers: readonly number[]): void {
    for (const worker of workers) {
      const end = this.#ends.get(worker);
      if (end !== undefined) end.isLeaving = true;
    }
    this.#apply({ kind: "leaving", workers });
  }

  lose(agent: string): void {
    for (const end of this.#ends.values()) if (end.agent === agent) this.#remove(end, `${agent} is gone`);
    this.#apply({ kind: "agentLost", agent });
  }

  hear(agent: string, event: AgentEvent): void {
    if (!("worker" in event)) return;
    const { worker } = event;
    const end = this.#ends.get(worker);
    if (this.#expected.has(worker)) this.#early.push({ agent, event });
    // One of another agent may have the number of a start that was given up.
    if (end?.agent !== agent) return;
    if (event.kind === "parcel") this.#hearParcel(end, event.parcel);
    else if (event.kind === "workerStarted") this.#apply({ kind: "started", worker });
    else if (event.kind === "workerLeft") {
      this.#remove(end, "it was removed");
      this.#apply({ kind: "removed", workers: [worker] });
    } else if (event.kind === "workerExited") {
      const isFinal = event.isFinal === true;
      this.#apply({ kind: "exited", worker, cause: event.cause, isFinal });
      if (isFinal) this.#remove(end, event.cause);
      else end.lane.apply({ kind: "exited" }, this.#options.now());
    }
  }

  /** Sends the next message. @param worker All of the epoch when missing. */
  send(worker?: number): void {
    const members = [...this.#ends.values()].filter((end) => !end.isLeaving && end.lane.state !== "gone");
    const ends = worker === undefined ? members : members.filter((end) => end.worker === worker);
    if (ends.length === 0) return;
    const number = this.#sent;
    this.#sent += 1;
    const lanes = ends.map(({ lane }) => lane);
    const sending = { letter: letterOf(number), lanes, isBroadcast: worker === undefined, number, ends };
    this.#settle(this.#admission.send(sending, this.#options.now()));
  }

  take(agent: string): Delivery {
    const delivery: { worker: number; parcel: Parcel }[] = [];
    for (const end of this.#ends.values()) {
      const parcel = end.agent === agent ? end.take() : undefined;
      if (parcel !== undefined) delivery.push({ worker: end.worker, parcel });
    }
    return delivery;
  }

  /** What was taken may not have arrived. */
  broken(agent: string): void {
    for (const end of this.#ends.values()) if (end.agent === agent) end.broken(this.#options.now());
  }

  /** What is still under way; undefined when nothing is. */
  left(): string | undefined {
    if (this.#admission.waiting > 0) return `${this.#admission.waiting} messages wait for room`;
    for (const { lane } of this.#ends.values()) {
      if (lane.state !== "gone" && lane.waiting > 0)
        return `${lane.name} has not heard ${lane.waiting} messages`;
    }
    if (this.workers.length > 0 && !this.#membership.isComplete)
      return `epoch ${this.#membership.epoch} is not complete`;
    return undefined;
  }

  /** @param mailsOf What the processes of a worker heard and sent, first to last; undefined when nobody knows. */
  check(mailsOf: (info: WorkerInfo) => readonly WorkerMail[] | undefined): void {
    for (const end of this.#ends.values()) {
      const mails = mailsOf(end.info);
      if (mails !== undefined) end.check(mails, this.#refused);
    }
  }

  #hearParcel(end: CrewEnd, parcel: Parcel): void {
    end.arrive(parcel, this.#options.now());
    if (parcel.receipt !== undefined) this.#settle(this.#admission.changed(end.lane, this.#options.now()));
    this.#options.onMail(end.agent);
  }

  #remove(end: CrewEnd, cause: string): void {
    end.lane.apply({ kind: "left", cause }, this.#options.now());
    this.#settle(this.#admission.changed(end.lane, this.#options.now()));
  }

  #settle({ accepted, refused }: Decisions<CrewSending>): void {
    for (const { sending } of refused) this.#refused.add(sending.number);
    for (const { number, ends } of accepted) {
      for (const end of ends) {
        if (end.lane.state === "gone") continue;
        end.accept(number);
        this.#options.onMail(end.agent);
      }
    }
  }

  #apply(event: MembershipEvent): void {
    const commands = this.#membership.apply(event);
    this.#membership.check();
    for (const command of commands) this.#perform(command);
  }

  #perform(command: MembershipCommand): void {
    if (command.kind === "epochBegan") this.#options.onEpoch(command.epoch, command.workers);
    if (command.kind !== "allJoined") return;
    if (this.#complete.has(command.epoch))
      throw new Error(`epoch ${command.epoch} is told as complete twice`);
    this.#complete.add(command.epoch);
  }
}
