/**
 * Counts who uses something of a job (handles, readers, executions that are about to begin), and tells when nobody does.
 *
 * Who forgets to end a use is found by the garbage collector, at no certain time. It knows nothing of datasets.
 */

/** Ends one use; further calls do nothing. */
export type EndUse = () => void;

/** Makes the function that begins a use. @param onUnused Called when the last use has ended; others may follow. */
export function countUses(onUnused: () => void): () => EndUse {
  let uses = 0;
  return () => {
    uses += 1;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      uses -= 1;
      if (uses === 0) onUnused();
    };
  };
}

const dropped = new FinalizationRegistry<EndUse>((end) => end());

/** Ends a use when its holder cannot be reached any more; the use must not refer to the holder. */
export function endWhenDropped(holder: object, end: EndUse): void {
  dropped.register(holder, end);
}
