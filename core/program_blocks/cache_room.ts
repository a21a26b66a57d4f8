/**
 * Which programs a bounded cache gives up for another one: those that were used longest ago,
 * and never one in use. Knows sizes and times only.
 */

export interface CachedSize {
  readonly key: string;
  readonly sizeBytes: number;
  /** When it was last used, by any clock that only goes forward. */
  readonly usedAt: number;
  readonly isInUse: boolean;
}

export interface CacheRoom {
  readonly evicted: readonly string[];
  /** What there is no room for even so. */
  readonly lackingBytes: number;
}

/** Also of tiny programs there are not more than can be looked through. */
const MAX_PROGRAMS = 1000;

/** Nothing is given up in vain: where it would not do, `evicted` is empty. */
export function makeRoom(cached: readonly CachedSize[], maxBytes: number): CacheRoom {
  let over = cached.reduce((sum, { sizeBytes }) => sum + sizeBytes, -maxBytes);
  const evicted: string[] = [];
  const idle = cached.filter(({ isInUse }) => !isInUse).sort((a, b) => a.usedAt - b.usedAt);
  for (const { key, sizeBytes } of idle) {
    if (over <= 0 && cached.length - evicted.length <= MAX_PROGRAMS) break;
    evicted.push(key);
    over -= sizeBytes;
  }
  return over > 0 ? { evicted: [], lackingBytes: over } : { evicted, lackingBytes: 0 };
}
