/**
 * Listeners of the program, which may throw.
 */

/** What a listener of the program throws keeps nobody from anything: nobody catches it, as with other events. */
export function guarded(act: () => void): void {
  try {
    act();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
