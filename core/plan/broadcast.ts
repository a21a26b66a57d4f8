/**
 * Chooses whether one side of a join is sent whole to every task of the other.
 */

/** A side that is thought to be larger is never broadcast unasked. */
const MAX_BYTES = 32 * 2 ** 20;
/** A side this small is broadcast to however many tasks. */
const TINY_BYTES = 2 ** 20;

export interface JoinSide {
  /** Estimated bytes, Infinity when unknown. */
  readonly bytes: number;
  readonly tasks: number;
}

export interface JoinChoice {
  readonly how: "inner" | "left" | "right" | "full";
  readonly strategy: "auto" | "hash" | "sort-merge" | "broadcast";
  readonly left: JoinSide;
  readonly right: JoinSide;
}

/** Tells which side to broadcast, undefined for neither. The side whose lonely rows are kept must be streamed. */
export function broadcastSide(join: JoinChoice): "left" | "right" | undefined {
  const { how, strategy, left, right } = join;
  if (how === "full" || strategy === "hash" || strategy === "sort-merge") return undefined;
  const smaller = left.bytes < right.bytes ? "left" : "right";
  const side = how === "inner" ? smaller : how === "left" ? "right" : "left";
  if (strategy === "broadcast") return side;
  const [small, large] = side === "left" ? [left, right] : [right, left];
  return pays(small, large) ? side : undefined;
}

/** Every task of the large side reads the small one, against an exchange of both once. */
function pays(small: JoinSide, large: JoinSide): boolean {
  if (small.bytes > MAX_BYTES || small.bytes > large.bytes) return false;
  return small.bytes <= TINY_BYTES || small.bytes * large.tasks <= small.bytes + large.bytes;
}
