/**
 * The two ends of a line that carries items in order, each once, over requests that may be lost or sent twice.
 *
 * One end numbers what it sends and keeps it until the other end tells how far it is; the other takes what it has not had.
 * It knows neither time nor transport, nor what the items are.
 */

export interface Part<T> {
  /** Number of the first item, from 0. */
  readonly first: number;
  readonly items: readonly T[];
}

/** The end that sends. */
export class OutgoingLine<T> {
  #items: { readonly item: T; readonly sizeBytes: number }[] = [];
  #first = 0;
  #sizeBytes = 0;

  /** Of what the other end has not told that it has. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  push(item: T, sizeBytes: number): void {
    this.#items.push({ item, sizeBytes });
    this.#sizeBytes += sizeBytes;
  }

  /** The first items that the other end may not have, so many bytes or one; undefined when it has all. */
  next(maxBytes: number): Part<T> | undefined {
    if (this.#items.length === 0) return undefined;
    let count = 0;
    let sizeBytes = 0;
    for (const item of this.#items) {
      sizeBytes += item.sizeBytes;
      if (count > 0 && sizeBytes > maxBytes) break;
      count += 1;
    }
    return { first: this.#first, items: this.#items.slice(0, count).map(({ item }) => item) };
  }

  /**
   * The other end has had so many items.
   *
   * @throws {RangeError} When it has forgotten some, or had more than there were: it is another end.
   */
  acknowledge(count: number): void {
    const known = count - this.#first;
    if (known < 0 || known > this.#items.length) {
      const there = `${this.#first} to ${this.#first + this.#items.length}`;
      throw new RangeError(`Cannot go on after item ${count}: the other end may have had ${there}`);
    }
    for (const { sizeBytes } of this.#items.splice(0, known)) this.#sizeBytes -= sizeBytes;
    this.#first = count;
  }
}

/** The end that takes. */
export class IncomingLine<T> {
  #count = 0;

  /** How many items it has had. */
  get count(): number {
    return this.#count;
  }

  /** Those of a part that it has not had; none when items before them are missing. */
  take({ first, items }: Part<T>): readonly T[] {
    if (first > this.#count) return [];
    const fresh = items.slice(this.#count - first);
    this.#count += fresh.length;
    return fresh;
  }
}
