/**
 * Both ends of a user's generator: the rows that it reads, and the iterator of what it yields.
 *
 * Rows that are at hand cost one resolved promise each, which the form of
 * AsyncIterator asks for. It knows nothing of steps.
 */
import type { Feed, RowGroup } from "./feed.ts";

const DONE: IteratorResult<unknown> = { done: true, value: undefined };

/** The rows of a queue as an async iterable; leaving the loop stops the queue. */
export class RowStream implements AsyncIterableIterator<unknown> {
  readonly #feed: Feed;
  #group: RowGroup | undefined;
  #at = 0;

  constructor(feed: Feed) {
    this.#feed = feed;
  }

  next(): Promise<IteratorResult<unknown>> {
    const group = this.#group;
    if (group !== undefined && this.#at < group.length) {
      return Promise.resolve({ done: false, value: group.read(this.#at++) });
    }
    return this.#refill();
  }

  return(): Promise<IteratorResult<unknown>> {
    this.#group = undefined;
    this.#feed.stop();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #refill(): Promise<IteratorResult<unknown>> {
    this.#group = await this.#feed.take();
    this.#at = 0;
    return this.#group === undefined ? DONE : { done: false, value: this.#group.read(this.#at++) };
  }
}

export type AnyIterator = AsyncIterator<unknown> | Iterator<unknown>;

/** What user code gave back: a generator of either kind, or any iterable. */
export function iteratorOf(value: unknown): AnyIterator {
  if (typeof value === "object" && value !== null) {
    if (Symbol.asyncIterator in value) return (value as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    if (Symbol.iterator in value) return (value as Iterable<unknown>)[Symbol.iterator]();
  }
  throw new TypeError(`Cannot read rows: the function must return an iterable, got ${typeof value}`);
}
