/**
 * Values of all made one: reduce and all-reduce.
 *
 * Whatever the algorithm, root and time, values are combined in one order: as many pairs of neighbours from rank 0 on as
 * leave a power of two, then neighbours, neighbours of those, and so on, the lower rank always on the left. So the same
 * values on as many ranks give the same bits, and functions need not be commutative.
 *
 * By recursive doubling: R. Thakur, R. Rabenseifner and W. Gropp (Optimization of Collective Communication Operations in
 * MPICH, 2005). Long vectors have a file of their own.
 */
import type { Combine } from "./combine.ts";
import { type Half, halfOf } from "./half.ts";
import type { Place, Rounds } from "./round.ts";

/** Gives the root the combination of the values of all; the others get undefined. */
export function* reduce(
  place: Place,
  value: unknown,
  combine: Combine<unknown>,
  root: number,
): Rounds<unknown> {
  const folded = yield* foldIn(place, value, combine);
  if (folded !== undefined) {
    const { half } = folded;
    let held = folded.value;
    let isSent = false;
    for (let distance = 1; distance < half.size && !isSent; distance *= 2) {
      if ((half.rank & distance) !== 0) {
        yield { send: [{ to: half.rankOf(half.rank - distance), value: held }] };
        isSent = true;
      } else {
        held = combine(held, yield { receive: half.rankOf(half.rank + distance) });
      }
    }
    if (place.rank === 0) {
      if (root === 0) return held;
      yield { send: [{ to: root, value: held }] };
    }
  }
  return place.rank === root && root !== 0 ? yield { receive: 0 } : undefined;
}

/** Gives every rank the combination of the values of all. */
export function* allReduce(place: Place, value: unknown, combine: Combine<unknown>): Rounds<unknown> {
  const folded = yield* foldIn(place, value, combine);
  if (folded === undefined) return yield { receive: place.rank - 1 };
  const { half } = folded;
  let held = folded.value;
  for (let distance = 1; distance < half.size; distance *= 2) {
    const peer = half.rankOf(half.rank ^ distance);
    const other = yield { send: [{ to: peer, value: held }], receive: peer };
    held = (half.rank & distance) === 0 ? combine(held, other) : combine(other, held);
  }
  yield* foldOut(half, place, held);
  return held;
}

/** Puts neighbours together until a power of two is left; undefined for those that only wait for the result. */
function* foldIn(
  place: Place,
  value: unknown,
  combine: Combine<unknown>,
): Rounds<{ readonly half: Half; readonly value: unknown } | undefined> {
  const half = halfOf(place);
  if (half === undefined) {
    yield { send: [{ to: place.rank - 1, value }] };
    return undefined;
  }
  if (half.rank >= half.pairs) return { half, value };
  return { half, value: combine(value, yield { receive: place.rank + 1 }) };
}

/** Tells the neighbour the result. */
function* foldOut(half: Half, { rank }: Place, value: unknown): Rounds<void> {
  if (half.rank < half.pairs) yield { send: [{ to: rank + 1, value }] };
}
