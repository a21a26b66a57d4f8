/**
 * Items for one reader, as a CBOR sequence: buffered until it connects, several a chunk.
 *
 * A new reader takes the place of the one before. Items may be kept until the reader tells that it has them, so that
 * the next one goes on where a connection broke. It does not know what the items mean.
 */
import { ProtocolError } from "../../core/errors.ts";
import { joinBytes } from "../../core/format/join_bytes.ts";
import { encode } from "../cbor.ts";

/** A chunk is closed when it holds this many bytes. */
const CHUNK_BYTES = 256 * 1024;
const MAX_ITEMS = 50_000;
const MAX_WEIGHT = 32 * 1024 * 1024;

export class SequenceOutbox<T> {
  readonly #isKept: boolean;
  readonly #weigh: (item: T) => number;
  #weight = 0;
  #items: T[] = [];
  /** Number of the first item that is here, counted from the beginning. */
  #first = 0;
  /** How many of those here were given to the reader. */
  #given = 0;
  #isEnded = false;
  #wake: (() => void) | undefined;
  /** Of the reader at hand; an older reader that pulls again is closed. */
  #generation = 0;

  /** @param options Whether items are kept until they are acknowledged; what those weigh that may be large, in bytes. */
  constructor(options: { readonly isKept?: boolean; readonly weigh?: (item: T) => number } = {}) {
    this.#isKept = options.isKept === true;
    this.#weigh = options.weigh ?? (() => 0);
  }

  /** Number of items that nobody has taken yet. */
  get waiting(): number {
    return this.#items.length - this.#given;
  }

  /** Number of all items so far. */
  get count(): number {
    return this.#first + this.#items.length;
  }

  /**
   * Whether there is room for what may be left out, counting all that the reader has not told to have: it may be busy,
   * and its system takes for it what comes.
   */
  get hasRoom(): boolean {
    return this.#items.length < MAX_ITEMS && this.#weight < MAX_WEIGHT;
  }

  /** What the items weigh that are here, those that were given and may be asked for again among them. */
  get weight(): number {
    return this.#weight;
  }

  push(item: T): void {
    if (this.#isEnded) return;
    this.#items.push(item);
    this.#weight += this.#weigh(item);
    this.#wakeReader();
  }

  /** Closes the stream after the last item. */
  end(): void {
    this.#isEnded = true;
    this.#wakeReader();
  }

  /**
   * The reader has the first `count` items.
   *
   * @throws {ProtocolError} When there never were so many: the reader knows another outbox, in whose place this one is.
   */
  acknowledge(count: number): void {
    if (count > this.count) {
      throw new ProtocolError(`Cannot have given ${count} items: there were ${this.count}`);
    }
    const known = Math.min(count - this.#first, this.#given);
    if (known > 0) this.#drop(known);
  }

  /**
   * The body of the answer. Ends with `end`, or when another reader comes.
   *
   * @param after How many items the reader has.
   * @throws {ProtocolError} When those after them are not here any more, or never were.
   */
  open(after?: number): ReadableStream<Uint8Array> {
    if (after !== undefined) this.#rewind(after);
    const generation = ++this.#generation;
    this.#wakeReader();
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          while (this.waiting === 0 && !this.#isEnded && generation === this.#generation) {
            await new Promise<void>((resolve) => {
              this.#wake = resolve;
            });
          }
          if (generation === this.#generation && this.waiting > 0) controller.enqueue(this.#take());
          else controller.close();
        },
        cancel: () => {
          if (generation === this.#generation) this.#generation++;
          this.#wakeReader();
        },
      },
      { highWaterMark: 0 },
    );
  }

  #rewind(after: number): void {
    const place = after - this.#first;
    if (place < 0 || place > this.#given) {
      const there = `${this.#first} to ${this.#first + this.#given}`;
      throw new ProtocolError(`Cannot go on after item ${after}: a reader may go on after ${there}`);
    }
    this.#given = 0;
    this.#drop(place);
  }

  #drop(count: number): void {
    for (let i = 0; i < count; i++) this.#weight -= this.#weigh(this.#items[i]);
    this.#items = count === this.#items.length ? [] : this.#items.slice(count);
    this.#first += count;
    this.#given = Math.max(0, this.#given - count);
  }

  #take(): Uint8Array {
    const encoded: Uint8Array[] = [];
    let size = 0;
    for (let i = this.#given; i < this.#items.length && size < CHUNK_BYTES; i++) {
      const bytes = encode(this.#items[i]);
      encoded.push(bytes);
      size += bytes.byteLength;
    }
    this.#given += encoded.length;
    if (!this.#isKept) this.#drop(encoded.length);
    return joinBytes(encoded);
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
