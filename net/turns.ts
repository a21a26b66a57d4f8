/**
 * Runs small synchronous steps one after the other, and lets the event loop turn between them when they take long.
 *
 * So that heartbeats, leases and cancellations go on however slow the code of a user's listener is.
 */
import { setImmediate } from "node:timers";

/** Of steps in a row. */
const TURN_MS = 10;

export interface Turns {
  /** Goes on at once, unless it is at work already or waits for its turn. */
  run(): void;
  /** Resolves when there was nothing left to do; undefined when that is so now. */
  idle(): Promise<void> | undefined;
}

/**
 * @param step Does one thing; returns false when there is nothing to do.
 * @param rested Called after each run of steps, if there were any.
 */
export function inTurns(step: () => boolean, rested: () => void): Turns {
  let isBusy = false;
  let waiting: PromiseWithResolvers<void> | undefined;
  const run = (): void => {
    if (isBusy) return;
    isBusy = true;
    const steps = runFor(step);
    const isOver = !steps.isMore;
    if (steps.count > 0) rested();
    isBusy = false;
    if (isOver) {
      waiting?.resolve();
      waiting = undefined;
      return;
    }
    isBusy = true;
    waiting ??= Promise.withResolvers();
    setImmediate(() => {
      isBusy = false;
      run();
    });
  };
  return { run, idle: () => waiting?.promise };
}

function runFor(step: () => boolean): { readonly count: number; readonly isMore: boolean } {
  const start = performance.now();
  let count = 0;
  while (step()) {
    count++;
    if (performance.now() - start >= TURN_MS) return { count, isMore: true };
  }
  return { count, isMore: false };
}
