/**
 * Lets the event loop turn in the midst of a synchronous loop, now and then.
 *
 * Without it a long task would neither hear that it was cancelled nor report its
 * progress. Asked once a batch, so it costs a clock reading a batch.
 */

import { setImmediate } from "node:timers";

const TURN_MS = 50;

let lastTurn = 0;

/** A promise of the next turn of the event loop when one is due, else undefined. */
export function dueTurn(): Promise<void> | undefined {
  const now = performance.now();
  if (now - lastTurn < TURN_MS) return undefined;
  lastTurn = now;
  // Not a microtask: sockets are read only when the loop goes round.
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
