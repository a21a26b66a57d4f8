/**
 * How many pieces data is cut into when the user did not say: splits of sources and partitions of exchanges.
 */

/** Small enough for the tables of a task to stay near the cache, large enough to be worth a task. */
const PIECE_BYTES = 16 * 2 ** 20;
/** Beyond it pieces grow as their number does: an exchange writes a chunk for each pair of both. */
const MANY_PIECES_BYTES = 2 ** 30;
/** Below this one task is faster than an exchange between several. */
const TINY_BYTES = 4 * 2 ** 20;
const MAX_PARTITIONS = 1024;

/** Bytes that one piece should hold of so many in all. */
export function pieceBytes(totalBytes: number): number {
  return PIECE_BYTES * Math.sqrt(Math.max(1, totalBytes / MANY_PIECES_BYTES));
}

/** Chooses from the estimated bytes (Infinity when unknown) and the number of slots. */
export function choosePartitions(bytes: number, slots: number): number {
  const cores = Math.min(Math.max(1, Math.floor(slots)), MAX_PARTITIONS);
  if (!Number.isFinite(bytes)) return cores;
  if (bytes <= TINY_BYTES) return 1;
  return Math.min(MAX_PARTITIONS, Math.max(cores, Math.ceil(bytes / pieceBytes(bytes))));
}
