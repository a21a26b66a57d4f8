/**
 * The driver's end of the messages with all workers of a job: a lane and an intake for each of them.
 *
 * Owns who may be sent to, and the order in which listeners hear. What the messages mean is not known here.
 */
import { LucioleError } from "../../../core/errors.ts";
import { Admission, type Decisions, type Sending } from "../../../core/messages/admission.ts";
import { Fifo } from "../../../core/messages/fifo.ts";
import { bodyOf, type Letter, type Parcel, type Topic } from "../../../core/messages/letter.ts";
import { decode } from "../../cbor.ts";
import { encodeMessage, refused, UNHEARD_MS } from "../../messages.ts";
import { inTurns } from "../../turns.ts";
import type { AgentClient } from "../agents/agent_client.ts";
import { guarded } from "../guarded.ts";
import { MessageRoute } from "./message_route.ts";
import type { WorkerEnd } from "./worker_end.ts";

/** Hears a message of a worker, of which it gets the number. */
export type WorkerMessageListener = (message: never, worker: number) => unknown;

interface OwnSending extends Sending {
  readonly ends: readonly WorkerEnd[];
  readonly accepted: PromiseWithResolvers<void>;
}

interface Arrived {
  readonly from: WorkerEnd;
  readonly life: string;
  readonly letter: Letter;
}

export class DriverMessages {
  readonly #routes = new Map<string, MessageRoute>();
  readonly #ends = new Map<number, WorkerEnd>();
  readonly #admission = new Admission<OwnSending>();
  readonly #listeners: WorkerMessageListener[] = [];
  readonly #arrived = new Fifo<Arrived>();
  readonly #turns = inTurns(
    () => this.#deliverNext(),
    () => undefined,
  );
  readonly #unheardMs: number;
  #unheardTimer: ReturnType<typeof setTimeout> | undefined;
  /** Messages have waited for long, and nobody listens. */
  #isUnheard = false;
  #isClosed = false;

  /** @param options See UNHEARD_MS. */
  constructor({ unheardMs = UNHEARD_MS }: { readonly unheardMs?: number } = {}) {
    this.#unheardMs = unheardMs;
  }

  /** Workers of an agent, which may still be on their way. */
  add(client: AgentClient, workers: readonly number[]): void {
    const route = this.#routes.get(client.id) ?? new MessageRoute(client);
    this.#routes.set(client.id, route);
    for (const worker of workers) this.#ends.set(worker, route.add(worker));
  }

  /** A worker is to leave: it hears what was sent before, and may say more, but nothing more is sent to it. */
  leave(worker: number): void {
    const end = this.#ends.get(worker);
    if (end !== undefined) end.isLeaving = true;
  }

  /** A worker is gone for good: nothing can be sent to it any more. */
  remove(worker: number, cause: string): void {
    const end = this.#ends.get(worker);
    if (end === undefined) return;
    end.lane.apply({ kind: "left", cause }, performance.now());
    this.#decide(end);
  }

  /** An agent is gone, and its workers with it. */
  removeAgent(agent: string, cause: string): void {
    const route = this.#routes.get(agent);
    if (route === undefined) return;
    this.#routes.delete(agent);
    route.stop();
    for (const { worker } of route.ends) this.remove(worker, cause);
  }

  /** The process of a worker is gone; another one takes its place. */
  exited(worker: number): void {
    this.#ends.get(worker)?.lane.apply({ kind: "exited" }, performance.now());
  }

  /**
   * Sends a message: to all of these workers, or to none.
   *
   * @param workers Their numbers, or "all" of the epoch.
   * @returns Resolves when it is within the bound of messages under way to each of them.
   * @throws {LucioleError} code "not-found" for an unknown worker; "messages-refused" where nobody listens, or is.
   */
  async send(message: unknown, workers: readonly number[] | "all"): Promise<void> {
    if (this.#isClosed) throw new TypeError("Cannot send a message: the job is closed");
    const ends = this.#endsOf(workers);
    if (ends.length === 0) return;
    const sending = {
      letter: encodeMessage(message),
      ends,
      lanes: ends.map(({ lane }) => lane),
      isBroadcast: workers === "all",
      accepted: Promise.withResolvers<void>(),
    };
    this.#settle(this.#admission.send(sending, performance.now()));
    await sending.accepted.promise;
  }

  /**
   * Tells workers what becomes of the job, in order with the messages, and whatever waits there.
   *
   * @param workers Their numbers; those that are gone are passed over.
   */
  deliver(topic: Topic, payload: unknown, workers: Iterable<number>): void {
    const letter: Letter = [topic, encodeMessage(payload)];
    for (const worker of workers) {
      const end = this.#ends.get(worker);
      if (end === undefined || end.lane.state === "gone") continue;
      end.lane.apply({ kind: "posted", letter }, performance.now());
      end.wake();
    }
  }

  listen(listener: WorkerMessageListener): void {
    this.#listeners.push(listener);
    clearTimeout(this.#unheardTimer);
    this.#isUnheard = false;
    for (const { receipts } of this.#ends.values()) receipts.setUnheard(false);
    queueMicrotask(() => this.#turns.run());
  }

  /** Something came of a worker. Resolves when listeners have heard it; undefined when they have, or there are none. */
  hear(worker: number, parcel: Parcel): Promise<void> | undefined {
    const end = this.#ends.get(worker);
    if (end === undefined || this.#isClosed) return undefined;
    const { life } = parcel;
    for (const letter of end.take(parcel, performance.now())) this.#arrived.push({ from: end, life, letter });
    if (parcel.receipt !== undefined && this.#admission.waiting > 0) this.#decide(end);
    this.#turns.run();
    this.#watchUnheard();
    end.receipts.setUnheard(this.#isUnheard);
    return this.#listeners.length === 0 ? undefined : this.#turns.idle();
  }

  /** Nothing more is sent; who waits is told. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#unheardTimer);
    for (const route of this.#routes.values()) route.stop();
    const { refused: sendings } = this.#admission.close("the job is closed");
    for (const { sending, why } of sendings) {
      // Who does not wait any more needs not be told.
      sending.accepted.promise.catch(() => undefined);
      sending.accepted.reject(refused(namesOf(sending), why));
    }
  }

  #endsOf(workers: readonly number[] | "all"): readonly WorkerEnd[] {
    const members = [...this.#ends.values()].filter((end) => !end.isLeaving && end.lane.state !== "gone");
    if (workers === "all") return members;
    return [...new Set(workers)].map((worker) => {
      const end = this.#ends.get(worker);
      if (end !== undefined && !end.isLeaving) return end;
      const known = members.map((member) => member.worker).join(", ");
      throw new LucioleError("not-found", `Cannot send to worker ${worker}: the job has workers ${known}`, {
        fields: { worker },
      });
    });
  }

  #decide({ lane }: WorkerEnd): void {
    this.#settle(this.#admission.changed(lane, performance.now()));
  }

  #settle({ accepted, refused: sendings }: Decisions<OwnSending>): void {
    for (const sending of accepted) {
      sending.accepted.resolve();
      for (const end of sending.ends) if (end.lane.state !== "gone") end.wake();
    }
    for (const { sending, why } of sendings) sending.accepted.reject(refused(namesOf(sending), why));
  }

  #deliverNext(): boolean {
    if (this.#listeners.length === 0) return false;
    const arrived = this.#arrived.shift();
    if (arrived === undefined) return false;
    const { from, life, letter } = arrived;
    const message = decode(bodyOf(letter)) as never;
    for (const listener of this.#listeners) guarded(() => listener(message, from.worker));
    from.heard(life);
    return true;
  }

  /** Who listens late is waited for; who never does must not keep the workers waiting. */
  #watchUnheard(): void {
    if (this.#listeners.length > 0 || this.#arrived.length === 0) return;
    this.#unheardTimer ??= setTimeout(() => {
      this.#isUnheard = true;
      for (const { receipts } of this.#ends.values()) receipts.setUnheard(true);
    }, this.#unheardMs);
  }
}

function namesOf({ lanes, isBroadcast }: OwnSending): string {
  if (isBroadcast) return "all workers";
  return lanes.length === 1 ? lanes[0].name : `${lanes.length} workers`;
}
