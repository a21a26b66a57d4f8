/**
 * The barrier: nobody comes out of it before everybody has come in.
 *
 * Dissemination barrier of D. Hensgen, R. Finkel and U. Manber (Two Algorithms for Barrier Synchronization, 1988):
 * ⌈log₂ size⌉ rounds, without a root that all wait for.
 */
import type { Place, Rounds } from "./round.ts";

export function* barrier({ rank, size }: Place): Rounds<void> {
  for (let distance = 1; distance < size; distance *= 2) {
    const to = (rank + distance) % size;
    yield { send: [{ to, value: null }], receive: (rank - distance + size) % size };
  }
}
