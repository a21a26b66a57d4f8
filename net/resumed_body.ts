/**
 * Answers of who may not be reached for a moment: asked for again, bodies from where their connection broke.
 *
 * Knows positions in bytes, not what they mean. An answer that refuses is final.
 */
import { LucioleError } from "../core/errors.ts";
import { pause } from "./pause.ts";
import { UNREACHABLE } from "./tcp_transport.ts";

export interface ResumedBody {
  /** Asks for the body from a position on; the signal ends what is not wanted any more. */
  readonly open: (from: number, signal: AbortSignal | undefined) => Promise<ReadableStream<Uint8Array>>;
  /** Whether the same bytes come again. */
  readonly isResumable: boolean;
  /** All of it is there: when nothing comes for so long, the connection is dead. Without it, it may take its time. */
  readonly stallMs?: number;
  /** It is being written, so silence is no failure: after so long it is asked for again, in case the connection is dead. */
  readonly idleMs?: number;
  readonly signal?: AbortSignal;
}

/** Who has all that is asked for and does not send any of it for so long is gone, or cut off. */
export const STALL_MS = 10_000;
/** A connection that carries nothing for so long may be one that a machine in between has forgotten. */
export const IDLE_MS = 30_000;
/** How long it waits before it asks again; then it gives up. Counted anew when bytes have come. */
const WAITS_MS = [20, 200, 1_000];

export async function* resumedBody(options: ResumedBody): AsyncGenerator<Uint8Array> {
  const { isResumable, stallMs, signal } = options;
  const idleMs = isResumable ? options.idleMs : undefined;
  let position = 0;
  let reader: BodyReader | undefined;
  try {
    for (let failures = 0; ; ) {
      try {
        reader ??= await openReader(options, position, idleMs);
        const { done, value } = await within(reader.read(), stallMs ?? idleMs);
        if (done) return;
        position += value.byteLength;
        failures = 0;
        yield value;
        continue;
      } catch (error) {
        leave(reader);
        reader = undefined;
        const isSilent = error instanceof Stalled;
        if (isSilent && stallMs === undefined && signal?.aborted !== true) continue;
        // Who is silent is not waited for as often as who can come back at once.
        failures += isSilent ? 2 : 1;
        const isOver = !isResumable || failures > WAITS_MS.length || signal?.aborted === true;
        if (isOver || isAnswer(error)) throw error;
      }
      await pause(WAITS_MS[failures - 1], signal);
    }
  } finally {
    leave(reader);
  }
}

type BodyReader = ReadableStreamDefaultReader<Uint8Array>;

/** Headers may come with the first bytes alone, so they are waited for as long. */
async function openReader(
  { open, stallMs, signal }: ResumedBody,
  position: number,
  idleMs: number | undefined,
): Promise<BodyReader> {
  if (idleMs === undefined) return (await opened(open(position, signal), stallMs)).getReader();
  const end = new AbortController();
  const both = signal === undefined ? end.signal : AbortSignal.any([signal, end.signal]);
  try {
    return (await opened(open(position, both), stallMs ?? idleMs)).getReader();
  } catch (error) {
    end.abort(error);
    throw error;
  }
}

/** Asks again, as long, while there is no answer. */
export async function answered<T>(ask: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let failures = 0; ; ) {
    try {
      return await within(ask(), STALL_MS);
    } catch (error) {
      failures += error instanceof Stalled ? 2 : 1;
      if (failures > WAITS_MS.length || signal?.aborted === true || isAnswer(error)) throw error;
    }
    await pause(WAITS_MS[failures - 1], signal);
  }
}

class Stalled extends LucioleError {
  constructor(ms: number) {
    super(UNREACHABLE, `nothing came for ${ms / 1000} s`, { retryable: true });
  }
}

async function opened(
  opening: Promise<ReadableStream<Uint8Array>>,
  stallMs: number | undefined,
): Promise<ReadableStream<Uint8Array>> {
  try {
    return await within(opening, stallMs);
  } catch (error) {
    // It may come all the same, when nobody wants it any more.
    opening.then((body) => body.cancel()).catch(() => undefined);
    throw error;
  }
}

async function within<T>(promise: Promise<T>, ms: number | undefined): Promise<T> {
  if (ms === undefined) return await promise;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Stalled(ms)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A body that was read to its end, or broke, has nothing left to tell. */
function leave(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): void {
  reader?.cancel().catch(() => undefined);
}

/** The other side was reached and said why not. */
function isAnswer(error: unknown): boolean {
  return error instanceof LucioleError && error.code !== UNREACHABLE;
}
