/**
 * Values of all made one: reduce and all-reduce.
 *
 * Whatever the algorithm, root and time, values are combined in one order: as many pairs of neighbours from rank 0 on as
 * leave a power of two, then neighbours, neighbours of those, and so on, the lower rank always on the left. So the same
 * values on as many ranks give the same bits, and functions need not be commutative.
 *
 * Small values go by recursive doubling. Long vectors are halved at each step, so that every rank sends twice the
 * vector in all, and then gathered: R. Rabenseifner (Optimization of Collective Reduction Operations, 2004), with the
 * treatment of other sizes than powers of two of Thakur, Rabenseifner and Gropp (2005).
 */
import type { Combine, Vector } from "./combine.ts";
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

/** The same for vectors of one length, element by element. */
export function* allReduceVector(place: Place, vector: Vector, combine: Combine<Vector>): Rounds<Vector> {
  const folded = yield* foldIn(place, vector, combine as Combine<unknown>);
  if (folded === undefined) return (yield { receive: place.rank - 1 }) as Vector;
  const { half } = folded;
  let held = folded.value as Vector;
  /** What was given away at each step, and of which part of the vector. */
  const cuts: { readonly peer: number; readonly isLeft: boolean }[] = [];
  for (let distance = 1; distance < half.size; distance *= 2) {
    const peer = half.rankOf(half.rank ^ distance);
    const isLeft = (half.rank & distance) === 0;
    const middle = held.length >> 1;
    const kept = isLeft ? held.subarray(0, middle) : held.subarray(middle);
    const given = isLeft ? held.subarray(middle) : held.subarray(0, middle);
    const other = (yield { send: [{ to: peer, value: given }], receive: peer }) as Vector;
    held = isLeft ? combine(kept, other) : combine(other, kept);
    cuts.push({ peer, isLeft });
  }
  for (const { peer, isLeft } of cuts.toReversed()) {
    const other = (yield { send: [{ to: peer, value: held }], receive: peer }) as Vector;
    held = isLeft ? joined(held, other) : joined(other, held);
  }
  yield* foldOut(half, place, held);
  return held;
}

/** The ranks that are left when neighbours were put together: a power of two. */
interface Half {
  readonly rank: number;
  readonly size: number;
  /** How many of them stand for two. */
  readonly pairs: number;
  rankOf(rank: number): number;
}

/** Puts neighbours together until a power of two is left; undefined for those that only wait for the result. */
function* foldIn(
  { rank, size }: Place,
  value: unknown,
  combine: Combine<unknown>,
): Rounds<{ readonly half: Half; readonly value: unknown } | undefined> {
  const power = 2 ** Math.floor(Math.log2(size));
  const pairs = size - power;
  const rankOf = (half: number): number => (half < pairs ? 2 * half : half + pairs);
  if (rank >= 2 * pairs) return { half: { rank: rank - pairs, size: power, pairs, rankOf }, value };
  if (rank % 2 === 1) {
    yield { send: [{ to: rank - 1, value }] };
    return undefined;
  }
  const both = combine(value, yield { receive: rank + 1 });
  return { half: { rank: rank / 2, size: power, pairs, rankOf }, value: both };
}

/** Tells the neighbour the result. */
function* foldOut(half: Half, { rank }: Place, value: unknown): Rounds<void> {
  if (half.rank < half.pairs) yield { send: [{ to: rank + 1, value }] };
}

function joined(left: Vector, right: Vector): Vector {
  const whole = new (left.constructor as new (length: number) => Vector)(left.length + right.length);
  whole.set(left as never, 0);
  whole.set(right as never, left.length);
  return whole;
}
