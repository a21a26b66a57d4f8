/**
 * Writes to a socket in pieces, each when the one before has gone.
 *
 * Given more than its kernel takes at once, a socket of Bun keeps the rest, and moves all of it each time that a part of it
 * has gone. It does not know what is written.
 */
import type { Socket } from "node:net";

/** Less than a Unix socket takes at once. */
const PIECE_BYTES = 128 * 1024;

export class LineWriter {
  readonly #socket: Socket;
  readonly #waiting: Uint8Array[] = [];
  #isFull = false;
  #isEnded = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("drain", () => {
      this.#isFull = false;
      this.#flush();
    });
    socket.on("close", () => this.#waiting.splice(0));
  }

  write(parts: readonly Uint8Array[]): void {
    if (this.#socket.destroyed) return;
    this.#waiting.push(...parts);
    this.#flush();
  }

  /** Nothing more is written; what was still goes. */
  end(): void {
    this.#isEnded = true;
    this.#flush();
  }

  #flush(): void {
    while (!this.#isFull && this.#waiting.length > 0) {
      const [first] = this.#waiting;
      if (first.byteLength <= PIECE_BYTES) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(PIECE_BYTES);
      this.#isFull = !this.#socket.write(first.subarray(0, PIECE_BYTES));
    }
    if (this.#isEnded && this.#waiting.length === 0) this.#socket.end();
  }
}
