/**
 * Waiting for what another part of the process does soon, with a deadline and without sleeping.
 */
const DEADLINE_MS = 30_000;

/** Resolves when a condition holds; asks again after each turn of the event loop. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`Waited ${DEADLINE_MS} ms in vain until ${what}`);
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** The promise, or an error when it takes too long. */
export async function soon<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`Waited ${DEADLINE_MS} ms in vain for ${what}`);
    timer = setTimeout(() => reject(error), DEADLINE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
