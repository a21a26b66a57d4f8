/**
 * The ranks of a reduction that are left when as many pairs of neighbours as needed are put together: a power of two.
 */
import type { Place } from "./round.ts";

export interface Half {
  readonly rank: number;
  readonly size: number;
  /** How many of them stand for two: themselves, and the rank after them. */
  readonly pairs: number;
  rankOf(rank: number): number;
}

/** Where a rank stands among them; undefined for those that the one before stands for. */
export function halfOf({ rank, size }: Place): Half | undefined {
  const power = 2 ** Math.floor(Math.log2(size));
  const pairs = size - power;
  const rankOf = (half: number): number => (half < pairs ? 2 * half : half + pairs);
  if (rank >= 2 * pairs) return { rank: rank - pairs, size: power, pairs, rankOf };
  return rank % 2 === 1 ? undefined : { rank: rank / 2, size: power, pairs, rankOf };
}
