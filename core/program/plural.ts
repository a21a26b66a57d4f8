/** Counts in messages. */

/** "1 slot", "2 slots". */
export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
