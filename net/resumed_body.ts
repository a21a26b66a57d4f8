/**
 * A body that goes on where its connection broke, as long as the other side can be reached.
 *
 * Knows positions in bytes, not what they mean. An answer that refuses to go on is final.
 */
import { LucioleError } from "../core/errors.ts";
import { pause } from "./pause.ts";
import { UNREACHABLE } from "./tcp_transport.ts";

export interface ResumedBody {
  /** Asks for the body from a position on. */
  readonly open: (from: number) => Promise<ReadableStream<Uint8Array>>;
  /** Whether the same bytes come again. */
  readonly isResumable: boolean;
  readonly signal?: AbortSignal;
}

/** How long it waits before it asks again; then it gives up. Counted anew when bytes have come. */
const WAITS_MS = [20, 200, 1_000];

export async function* resumedBody({ open, isResumable, signal }: ResumedBody): AsyncGenerator<Uint8Array> {
  let position = 0;
  for (let failures = 0; ; failures++) {
    try {
      const body = await open(position);
      for await (const piece of body) {
        position += piece.byteLength;
        failures = 0;
        yield piece;
      }
      return;
    } catch (error) {
      const isOver = !isResumable || failures >= WAITS_MS.length || signal?.aborted === true;
      if (isOver || isAnswer(error)) throw error;
    }
    await pause(WAITS_MS[failures], signal);
  }
}

/** Asks again, as long, while there is no answer. */
export async function answered<T>(ask: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (const waitMs of WAITS_MS) {
    try {
      return await ask();
    } catch (error) {
      if (isAnswer(error) || signal?.aborted === true) throw error;
    }
    await pause(waitMs, signal);
  }
  return await ask();
}

/** The other side was reached and said why not. */
function isAnswer(error: unknown): boolean {
  return error instanceof LucioleError && error.code !== UNREACHABLE;
}
