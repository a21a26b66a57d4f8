/** Bodies whose connection breaks: read on where they broke, or not at all. */
import { describe, expect, test } from "bun:test";
import { LucioleError, ShardLostError } from "../../core/errors.ts";
import { resumedBody } from "../../net/resumed_body.ts";
import { UNREACHABLE } from "../../net/tcp_transport.ts";
import { soon } from "../oracle/until.ts";

const broken = () => new LucioleError(UNREACHABLE, "Cannot reach it");

/** Breaks after so many bytes of each answer. */
function body(bytes: Uint8Array, from: number, breaksAfter: number): ReadableStream<Uint8Array> {
  const end = Math.min(bytes.byteLength, from + breaksAfter);
  let at = from;
  return new ReadableStream({
    pull: (controller) => {
      if (at >= bytes.byteLength) controller.close();
      else if (at >= end) controller.error(new Error("socket closed"));
      else controller.enqueue(bytes.subarray(at, ++at));
    },
  });
}

async function read(pieces: AsyncIterable<Uint8Array>): Promise<number[]> {
  const read: number[] = [];
  for await (const piece of pieces) read.push(...piece);
  return read;
}

const BYTES = Uint8Array.from([1, 2, 3, 4, 5, 6, 7]);

describe("resumedBody()", () => {
  test("F6: asks for the rest where each connection broke", async () => {
    const asked: number[] = [];
    const open = async (from: number) => {
      asked.push(from);
      return body(BYTES, from, 3);
    };
    expect(await read(resumedBody({ open, isResumable: true }))).toEqual([...BYTES]);
    expect(asked).toEqual([0, 3, 6]);
  });

  test("asks again when nothing can be reached for a moment, and gives up in the end", async () => {
    let fails = 2;
    const open = async (from: number) => {
      if (fails-- > 0) throw broken();
      return body(BYTES, from, 10);
    };
    expect(await read(resumedBody({ open, isResumable: true }))).toEqual([...BYTES]);
    const never = async () => {
      throw broken();
    };
    expect(read(resumedBody({ open: never, isResumable: true }))).rejects.toThrow("Cannot reach it");
  });

  test("F6: takes a body of which nothing comes for broken, but not one that its reader does not ask for", async () => {
    const cancelled: number[] = [];
    const open = async (from: number) => {
      if (from > 0) return body(BYTES, from, 10);
      const cancel = (): void => void cancelled.push(from);
      const start = (controller: ReadableStreamDefaultController): void =>
        controller.enqueue(BYTES.subarray(0, 2));
      return new ReadableStream<Uint8Array>({ start, cancel });
    };
    const bytes: number[] = [];
    for await (const piece of resumedBody({ open, isResumable: true, stallMs: 50 })) {
      bytes.push(...piece);
      if (bytes.length === 2) await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(bytes).toEqual([...BYTES]);
    expect(cancelled).toEqual([0]);
    const silent = async () => new ReadableStream<Uint8Array>();
    expect(read(resumedBody({ open: silent, isResumable: true, stallMs: 20 }))).rejects.toThrow(
      "nothing came for 0.02 s",
    );
  });

  test("asks again for what is being written when nothing comes for a while, as often as need be", async () => {
    const asked: number[] = [];
    let ended = 0;
    const open = async (from: number, signal: AbortSignal | undefined) => {
      asked.push(from);
      signal?.addEventListener("abort", () => ended++);
      // A way on which even the head of the answer is lost.
      if (asked.length > 6) return body(BYTES, from, 10);
      if (asked.length % 2 === 0) return await new Promise<never>(() => undefined);
      return new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(BYTES.subarray(from, from + 1)),
      });
    };
    const bytes = read(resumedBody({ open, isResumable: true, idleMs: 20 }));
    expect(await soon("its end", bytes)).toEqual([...BYTES]);
    expect(asked).toEqual([0, 1, 1, 2, 2, 3, 3]);
    expect(ended).toBe(3);
  });

  test("leaves a silent body that is being written as soon as nobody wants it", async () => {
    const end = new AbortController();
    const open = async (_: number, signal: AbortSignal | undefined) => {
      return await new Promise<never>((_, reject) =>
        signal?.addEventListener("abort", () => reject(signal.reason)),
      );
    };
    const bytes = read(resumedBody({ open, isResumable: true, idleMs: 20, signal: end.signal }));
    setTimeout(() => end.abort(new Error("not wanted")), 50);
    await expect(soon("its end", bytes)).rejects.toThrow("not wanted");
  });

  test("throws what it is answered, and what breaks a body that cannot be resumed", async () => {
    const lost = async () => {
      throw new ShardLostError("it is not here");
    };
    expect(read(resumedBody({ open: lost, isResumable: true }))).rejects.toThrow("it is not here");
    const open = async (from: number) => body(BYTES, from, 3);
    expect(read(resumedBody({ open, isResumable: false }))).rejects.toThrow("socket closed");
  });
});
