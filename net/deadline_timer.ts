/**
 * One timer for all deadlines of a state machine without a clock: fires at the first of them.
 *
 * It may fire early; who is told finds nothing due then, and sets it anew. Times are those of `performance.now()`.
 */
export class DeadlineTimer {
  readonly #onDue: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #at = Number.POSITIVE_INFINITY;

  constructor(onDue: () => void) {
    this.#onDue = onDue;
  }

  /** Fires at this time at the latest; Infinity leaves it as it is. */
  arm(deadline: number): void {
    if (deadline >= this.#at) return;
    clearTimeout(this.#timer);
    this.#at = deadline;
    this.#timer = setTimeout(
      () => {
        this.#at = Number.POSITIVE_INFINITY;
        this.#onDue();
      },
      Math.max(0, deadline - performance.now()) + 1,
    );
  }

  /** It does not fire any more, until it is set anew. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#at = Number.POSITIVE_INFINITY;
  }
}
