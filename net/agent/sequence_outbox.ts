/**
 * Items for one reader, as a CBOR sequence: buffered until it connects, several a chunk.
 *
 * A new reader takes the place of the one before. It does not know what the items mean.
 */
import { joinBytes } from "../../core/format/join_bytes.ts";
import { encode } from "../cbor.ts";

/** A chunk is closed when it holds this many bytes. */
const CHUNK_BYTES = 256 * 1024;

export class SequenceOutbox<T> {
  #items: T[] = [];
  #isEnded = false;
  #wake: (() => void) | undefined;
  /** Of the reader at hand; an older reader that pulls again is closed. */
  #generation = 0;

  /** Number of items that nobody has taken yet. */
  get waiting(): number {
    return this.#items.length;
  }

  push(item: T): void {
    if (this.#isEnded) return;
    this.#items.push(item);
    this.#wakeReader();
  }

  /** Closes the stream after the last item. */
  end(): void {
    this.#isEnded = true;
    this.#wakeReader();
  }

  /** The body of the answer. Ends with `end`, or when another reader comes. */
  open(): ReadableStream<Uint8Array> {
    const generation = ++this.#generation;
    this.#wakeReader();
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          while (this.#items.length === 0 && !this.#isEnded && generation === this.#generation) {
            await new Promise<void>((resolve) => {
              this.#wake = resolve;
            });
          }
          if (generation === this.#generation && this.#items.length > 0) controller.enqueue(this.#take());
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

  #take(): Uint8Array {
    const encoded: Uint8Array[] = [];
    let size = 0;
    let taken = 0;
    for (const item of this.#items) {
      const bytes = encode(item);
      encoded.push(bytes);
      size += bytes.byteLength;
      taken++;
      if (size >= CHUNK_BYTES) break;
    }
    this.#items = taken === this.#items.length ? [] : this.#items.slice(taken);
    return joinBytes(encoded);
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
