/**
 * What `sendToDriver` gives: may be awaited, and need not be.
 *
 * No promise, since most are never awaited: a promise for each message costs time, and one that is rejected while
 * nobody waits for it would end the worker. Who does not wait is told by the task, at its next batch.
 */
import type { LucioleError } from "../../core/errors.ts";

export class Acceptance implements PromiseLike<void> {
  #state: "waiting" | "accepted" | { readonly error: LucioleError };
  #waiter: PromiseWithResolvers<void> | undefined;

  constructor(state: "waiting" | "accepted") {
    this.#state = state;
  }

  // biome-ignore lint/suspicious/noThenProperty: being awaited is what it is for.
  then<A = void, B = never>(
    onAccepted?: (() => A | PromiseLike<A>) | null,
    onRefused?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#promise().then(onAccepted, onRefused);
  }

  accept(): void {
    this.#state = "accepted";
    this.#waiter?.resolve();
  }

  /** @returns False when nobody awaits it. */
  refuse(error: LucioleError): boolean {
    this.#state = { error };
    this.#waiter?.reject(error);
    return this.#waiter !== undefined;
  }

  #promise(): Promise<void> {
    if (this.#state === "accepted") return Promise.resolve();
    if (this.#state !== "waiting") return Promise.reject(this.#state.error);
    this.#waiter ??= Promise.withResolvers();
    return this.#waiter.promise;
  }
}

export const ACCEPTED = new Acceptance("accepted");
