/**
 * Messages of the driver on their way to user code.
 *
 * What comes while nobody listens is kept, up to a bound, for the first listener.
 * Listeners belong to the attempt that added them.
 */

export type MessageListener = (message: unknown) => void;

const MAX_KEPT = 10_000;

export class Inbox {
  readonly #onFailure: (error: unknown) => void;
  #listeners: MessageListener[] = [];
  #kept: unknown[] = [];

  /** @param onFailure Told what a listener threw; no other listener is kept from its message. */
  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  receive(message: unknown): void {
    if (this.#listeners.length === 0) {
      if (this.#kept.length < MAX_KEPT) this.#kept.push(message);
      return;
    }
    for (const listener of this.#listeners) this.#deliver(listener, message);
  }

  listen(listener: MessageListener): void {
    this.#listeners.push(listener);
    const kept = this.#kept;
    this.#kept = [];
    for (const message of kept) this.#deliver(listener, message);
  }

  /** The attempt is over: its listeners hear no more. */
  forgetListeners(): void {
    this.#listeners = [];
  }

  #deliver(listener: MessageListener, message: unknown): void {
    try {
      listener(message);
    } catch (error) {
      this.#onFailure(error);
    }
  }
}
