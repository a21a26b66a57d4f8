/**
 * How many partitions an exchange makes when the user did not say.
 */

/** Bytes of estimated input that one partition should hold. */
const TARGET_BYTES = 16 * 2 ** 20;
/** Below this one task is faster than an exchange between several. */
const TINY_BYTES = 4 * 2 ** 20;
const MAX_PARTITIONS = 1024;

/** Chooses from the estimated bytes (Infinity when unknown) and the number of slots. */
export function choosePartitions(bytes: number, slots: number): number {
  const cores = Math.min(Math.max(1, Math.floor(slots)), MAX_PARTITIONS);
  if (!Number.isFinite(bytes)) return cores;
  if (bytes <= TINY_BYTES) return 1;
  return Math.min(MAX_PARTITIONS, Math.max(cores, Math.ceil(bytes / TARGET_BYTES)));
}
