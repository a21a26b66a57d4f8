/**
 * From one to all and from all to one: broadcast and gather over a binomial tree, ⌈log₂ size⌉ rounds.
 *
 * The tree of R. Thakur, R. Rabenseifner and W. Gropp (Optimization of Collective Communication Operations in MPICH,
 * 2005): below a rank with k low zeros, counted from the root, hang ranks at distance 1, 2, … 2ᵏ⁻¹. Up to three ranks it
 * is the root with all others below it.
 */
import type { Place, Rounds } from "./round.ts";

/** Gives every rank the value of the root. */
export function* broadcast({ rank, size }: Place, value: unknown, root: number): Rounds<unknown> {
  const own = (rank - root + size) % size;
  const at = (place: number): number => (place + root) % size;
  let distance = lowestBit(own, size);
  const known = own === 0 ? value : yield { receive: at(own - distance) };
  const send = [];
  for (distance /= 2; distance >= 1; distance /= 2) {
    if (own + distance < size) send.push({ to: at(own + distance), value: known });
  }
  if (send.length > 0) yield { send };
  return known;
}

/** Gives the root the values of all, by rank; the others get undefined. */
export function* gather(
  { rank, size }: Place,
  value: unknown,
  root: number,
): Rounds<readonly unknown[] | undefined> {
  const own = (rank - root + size) % size;
  const at = (place: number): number => (place + root) % size;
  const end = lowestBit(own, size);
  const held: unknown[] = [value];
  for (let distance = 1; distance < end; distance *= 2) {
    if (own + distance >= size) break;
    held.push(...((yield { receive: at(own + distance) }) as unknown[]));
  }
  if (own > 0) {
    yield { send: [{ to: at(own - end), value: held }] };
    return undefined;
  }
  return held.map((_, i) => held[(i - root + size) % size]);
}

/** The lowest bit that is set; of 0, the power of two that is not below `size`. */
function lowestBit(place: number, size: number): number {
  let bit = 1;
  while (place === 0 ? bit < size : (place & bit) === 0) bit *= 2;
  return bit;
}
