/**
 * Waiting for a while that may be cut short, and for no longer than a while.
 */
import { LucioleError } from "../core/errors.ts";
import { UNREACHABLE } from "./tcp_transport.ts";

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

/** Waits for a promise, but no longer than until the signal is aborted, which is no failure. */
export function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      signal.removeEventListener("abort", end);
      resolve();
    };
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
    promise.then(end, (error) => {
      signal.removeEventListener("abort", end);
      reject(error);
    });
  });
}

export interface Deadline {
  /** Who is asked, for messages. */
  readonly name: string;
  readonly parent?: AbortSignal;
}

/**
 * Calls with a signal that is aborted after a while, or with another one.
 *
 * AbortSignal.timeout does not do: its timer does not keep a process awake, which then waits for nothing else.
 *
 * @throws {LucioleError} code "unreachable" when it was too late
 */
export async function withDeadline<T>(
  ms: number,
  call: (signal: AbortSignal) => Promise<T>,
  { name, parent }: Deadline,
): Promise<T> {
  const late = new AbortController();
  const tooLate = new LucioleError(
    UNREACHABLE,
    `Cannot reach ${name}: it did not answer for ${ms / 1000} s`,
    {
      retryable: true,
    },
  );
  const abort = (): void => late.abort(parent?.reason);
  const timer = setTimeout(() => late.abort(tooLate), ms);
  parent?.addEventListener("abort", abort);
  if (parent?.aborted === true) abort();
  try {
    return await call(late.signal);
  } catch (error) {
    throw late.signal.reason === tooLate ? tooLate : error;
  } finally {
    clearTimeout(timer);
    parent?.removeEventListener("abort", abort);
  }
}
