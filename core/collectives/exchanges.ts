/**
 * From all to all: all-gather and all-to-all.
 *
 * All-gather is that of J. Bruck and others (Efficient Algorithms for All-to-All Communications in Multiport
 * Message-Passing Systems, 1997): ⌈log₂ size⌉ rounds, and each value comes to each rank once. All-to-all sends each value
 * straight to its rank, each rank beginning with the one after it, so that nobody is sent to by all at once.
 */
import type { Place, Rounds } from "./round.ts";

/** Gives every rank the values of all, by rank. */
export function* allGather({ rank, size }: Place, value: unknown): Rounds<readonly unknown[]> {
  // Of this rank, the next one, and so on round.
  const held: unknown[] = [value];
  while (held.length < size) {
    const distance = held.length;
    const part = held.slice(0, Math.min(distance, size - distance));
    const send = [{ to: (rank - distance + size) % size, value: part }];
    held.push(...((yield { send, receive: (rank + distance) % size }) as unknown[]));
  }
  return held.map((_, i) => held[(i - rank + size) % size]);
}

/** Gives every rank the values that all have for it, by rank. @param values One for each rank. */
export function* allToAll({ rank, size }: Place, values: readonly unknown[]): Rounds<readonly unknown[]> {
  const received: unknown[] = [...values];
  for (let distance = 1; distance < size; distance += 1) {
    const to = (rank + distance) % size;
    const from = (rank - distance + size) % size;
    received[from] = yield { send: [{ to, value: values[to] }], receive: from };
  }
  return received;
}
