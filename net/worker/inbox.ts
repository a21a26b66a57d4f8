/**
 * What the driver tells a worker, on its way to user code.
 *
 * Letters are for the worker, whatever it runs: what comes while nobody listens is kept for the first who does, which
 * may be a task of a later execution. Listeners belong to the attempt that added them. Slow listeners do not keep the
 * event loop from turning.
 */
import { Fifo } from "../../core/messages/fifo.ts";
import { bodyOf, type Letter, type Topic, topicOf } from "../../core/messages/letter.ts";
import { decode } from "../cbor.ts";
import { inTurns } from "../turns.ts";

export type MessageListener = (message: never) => unknown;

export interface InboxOptions {
  /** Told what a listener threw; no other listener is kept from its message, and no other message. */
  readonly onFailure: (topic: Topic, error: unknown) => void;
  /** Some more letters need not be kept by their sender. */
  readonly onHeard: () => void;
}

interface Kept {
  readonly number: number;
  readonly letter: Letter;
}

/** Of what is told about the job's workers; the oldest go. A user's messages are bounded by their sender. */
const MAX_KEPT_NEWS = 100;

export class Inbox {
  readonly #options: InboxOptions;
  readonly #listeners = new Map<Topic, MessageListener[]>();
  readonly #kept = new Map<Topic, Fifo<Kept>>();
  readonly #turns = inTurns(
    () => this.#deliverNext(),
    () => this.#options.onHeard(),
  );
  #received = 0;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** So many letters, counted from the first one, were heard, or are about something that is not waited for. */
  get heard(): number {
    return this.#kept.get("driverMessage")?.first?.number ?? this.#received;
  }

  /** A message waits, and nobody listens. */
  get isUnheard(): boolean {
    return this.#isWaiting("driverMessage") && !this.#listeners.has("driverMessage");
  }

  receive(letters: readonly Letter[]): void {
    for (const letter of letters) {
      const topic = topicOf(letter);
      const kept = this.#kept.get(topic) ?? new Fifo<Kept>();
      kept.push({ number: this.#received++, letter });
      if (topic !== "driverMessage" && kept.length > MAX_KEPT_NEWS) kept.shift();
      this.#kept.set(topic, kept);
    }
    this.#turns.run();
  }

  /** What was kept is told soon, not within the call. */
  listen(topic: Topic, listener: MessageListener): void {
    const listeners = this.#listeners.get(topic);
    if (listeners === undefined) this.#listeners.set(topic, [listener]);
    else listeners.push(listener);
    if (this.#isWaiting(topic)) queueMicrotask(() => this.#turns.run());
  }

  /** The attempt is over: its listeners hear no more. */
  forgetListeners(): void {
    this.#listeners.clear();
  }

  #isWaiting(topic: Topic): boolean {
    return (this.#kept.get(topic)?.length ?? 0) > 0;
  }

  /** The oldest letter that somebody listens for. @returns False when there is none. */
  #deliverNext(): boolean {
    let first: Kept | undefined;
    let from: Topic = "driverMessage";
    for (const topic of this.#listeners.keys()) {
      const head = this.#kept.get(topic)?.first;
      if (head === undefined || (first !== undefined && first.number < head.number)) continue;
      first = head;
      from = topic;
    }
    if (first === undefined) return false;
    this.#kept.get(from)?.shift();
    const message = decode(bodyOf(first.letter)) as never;
    for (const listener of this.#listeners.get(from) ?? []) this.#tell(from, listener, message);
    return true;
  }

  #tell(topic: Topic, listener: MessageListener, message: never): void {
    const failed = (error: unknown): void => this.#options.onFailure(topic, error);
    try {
      const result = listener(message);
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}
