/**
 * Hands items from several givers to one taker, one item of each giver at a time.
 *
 * A giver waits until its item is taken, so nothing piles up. Ends when all givers have ended,
 * fails with the first one that fails.
 */
export class Handover<T> {
  readonly #offers: { readonly item: T; readonly taken: (isWanted: boolean) => void }[] = [];
  #givers = 0;
  #failure: { readonly error: unknown } | undefined;
  #isClosed = false;
  #wake: (() => void) | undefined;

  /** True when the taker has left. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Counts a giver until its promise settles. */
  addGiver(giver: Promise<void>): void {
    this.#givers++;
    giver
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#givers--;
        this.#wakeTaker();
      });
  }

  /** Offers an item; resolves when it is taken, with false when nobody wants more. */
  give(item: T): Promise<boolean> {
    if (this.#isClosed) return Promise.resolve(false);
    return new Promise((taken) => {
      this.#offers.push({ item, taken });
      this.#wakeTaker();
    });
  }

  /** The next item, undefined at the end. */
  async take(): Promise<T | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const offer = this.#offers.shift();
      if (offer !== undefined) {
        offer.taken(true);
        return offer.item;
      }
      if (this.#givers === 0) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The taker leaves: all givers are let go. */
  close(): void {
    this.#isClosed = true;
    for (const offer of this.#offers.splice(0)) offer.taken(false);
  }

  #wakeTaker(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
