/**
 * All-reduce of long vectors, element by element.
 *
 * Vectors are halved at each step, so that every rank sends twice the vector in all, and then gathered: R. Rabenseifner
 * (Optimization of Collective Reduction Operations, 2004), with the treatment of other sizes than powers of two of Thakur,
 * Rabenseifner and Gropp (2005). Elements are combined in the order that reductions.ts tells. What is sent goes in
 * segments: one is combined, in the processor's cache, while the next ones are on their way.
 */
import type { CombineInto, Vector } from "./combine.ts";
import { type Half, halfOf } from "./half.ts";
import type { Parcel, Place, Rounds } from "./round.ts";

const SEGMENT_BYTES = 256 * 1024;
/** Sent before the first one has to come back: less than any member may send that is not taken. */
const AHEAD = 4;

/** A part of a vector. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** Gives every rank the combination of all vectors, which are of one type and length. */
export function* allReduceVector(place: Place, vector: Vector, combine: CombineInto): Rounds<Vector> {
  const whole = new (vector.constructor as new (length: number) => Vector)(vector.length);
  const all = { from: 0, to: vector.length };
  const half = halfOf(place);
  const { rank } = place;
  if (half === undefined) {
    yield* exchange({ to: rank - 1, source: vector, given: all, isLent: true });
    yield* exchange({ from: rank - 1, kept: all, take: (other, at) => whole.set(other as never, at) });
    return whole;
  }
  let source = vector;
  if (half.rank < half.pairs) {
    yield* exchange({ from: rank + 1, kept: all, take: into(whole, source, combine, true) });
    source = whole;
  }
  yield* reduceHalves({ half, whole, source, combine });
  if (half.size === 1 && source !== whole) whole.set(vector as never);
  if (half.rank < half.pairs) yield* exchange({ to: rank + 1, source: whole, given: all });
  return whole;
}

interface Reduction {
  readonly half: Half;
  readonly whole: Vector;
  /** Of this rank, and of the one that it stands for. */
  readonly source: Vector;
  readonly combine: CombineInto;
}

/** Combines a part with each of ever fewer ranks, then gets the other parts of the same ranks. */
function* reduceHalves({ half, whole, source: own, combine }: Reduction): Rounds<void> {
  let source = own;
  let held: Range = { from: 0, to: whole.length };
  const cuts: { readonly peer: number; readonly kept: Range; readonly given: Range }[] = [];
  for (let distance = 1; distance < half.size; distance *= 2) {
    const peer = half.rankOf(half.rank ^ distance);
    const isLeft = (half.rank & distance) === 0;
    const middle = held.from + ((held.to - held.from) >> 1);
    const [left, right] = [
      { from: held.from, to: middle },
      { from: middle, to: held.to },
    ];
    const [kept, given] = isLeft ? [left, right] : [right, left];
    const take = into(whole, source, combine, isLeft);
    // Nothing comes back of a part before all of it was there: until then it stays as it is.
    yield* exchange({ to: peer, source, given, isLent: true, from: peer, kept, take });
    cuts.push({ peer, kept, given });
    held = kept;
    source = whole;
  }
  const take: Take = (other, at) => whole.set(other as never, at);
  for (const { peer, kept, given } of cuts.toReversed()) {
    yield* exchange({ to: peer, source: whole, given: kept, from: peer, kept: given, take });
  }
}

type Take = (segment: Vector, at: number) => void;

/** Combines segments of a peer with what is there. @param isLeft This rank is the lower one. */
function into(whole: Vector, source: Vector, combine: CombineInto, isLeft: boolean): Take {
  return (segment, at) => {
    const end = at + segment.length;
    const own = source.subarray(at, end);
    const target = whole.subarray(at, end);
    if (isLeft) combine(target, own, segment);
    else combine(target, segment, own);
  };
}

interface Exchange {
  /** Sends this part, if any. */
  readonly to?: number;
  readonly source?: Vector;
  readonly given?: Range;
  /** It stays as it is until the rank that gets it has told of it. */
  readonly isLent?: boolean;
  /** Takes this part, if any. */
  readonly from?: number;
  readonly kept?: Range;
  readonly take?: Take;
}

function* exchange({ to = 0, source, given, isLent = false, from, kept, take }: Exchange): Rounds<void> {
  const parts = given === undefined || source === undefined ? [] : segments(source, given);
  const parcels = parts.map((value): Parcel => ({ to, value, isLent }));
  if (from === undefined || kept === undefined || take === undefined) {
    yield { send: parcels };
    return;
  }
  let send = parcels.splice(0, AHEAD);
  for (let at = kept.from; at < kept.to; ) {
    const segment = (yield { send, receive: from }) as Vector;
    take(segment, at);
    at += segment.length;
    send = parcels.splice(0, 1);
  }
  if (send.length + parcels.length > 0) yield { send: [...send, ...parcels] };
}

function segments(vector: Vector, { from, to }: Range): readonly Vector[] {
  const length = SEGMENT_BYTES / vector.BYTES_PER_ELEMENT;
  const parts: Vector[] = [];
  for (let at = from; at < to; at += length) parts.push(vector.subarray(at, Math.min(to, at + length)));
  return parts;
}
