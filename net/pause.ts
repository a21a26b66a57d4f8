/**
 * Waiting for a while that may be cut short.
 */

/** Resolves after a while, or at once when the signal is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
}

/**
 * Calls with a signal that is aborted after a while, or with another one.
 *
 * AbortSignal.timeout does not do: its timer does not keep a process awake, which then waits for nothing else.
 */
export async function withDeadline<T>(
  ms: number,
  call: (signal: AbortSignal) => Promise<T>,
  parent?: AbortSignal,
): Promise<T> {
  const late = new AbortController();
  const abort = (): void => late.abort(parent?.reason);
  const timer = setTimeout(() => late.abort(new Error(`there was no answer for ${ms / 1000} s`)), ms);
  parent?.addEventListener("abort", abort);
  if (parent?.aborted === true) abort();
  try {
    return await call(late.signal);
  } finally {
    clearTimeout(timer);
    parent?.removeEventListener("abort", abort);
  }
}
