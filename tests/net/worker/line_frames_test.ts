/** Frames of lines between workers: cut anywhere, they come out as they went in. */
import { expect, test } from "bun:test";
import { joinBytes } from "../../../core/format/join_bytes.ts";
import { FrameReader, frameParts, type LineFrame } from "../../../net/worker/line_frames.ts";
import { randomNumbers } from "../../simulation/random.ts";

const SEED = Number(process.env.LUCIOLE_SEED ?? 1);
const LENGTHS = [0, 1, 7, 1000, 32 * 1024, 32 * 1024 + 1, 300_000];

test("random frames in random pieces", () => {
  for (let seed = SEED; seed < SEED + 40; seed++) {
    const random = randomNumbers(seed);
    const below = (count: number) => Math.floor(random() * count);
    const frames: LineFrame[] = Array.from({ length: 1 + below(20) }, (_, i) => ({
      head: { kind: "value", sequence: i, label: "x".repeat(below(300)) },
      payload: Uint8Array.from({ length: LENGTHS[below(LENGTHS.length)] }, () => below(256)),
    }));
    const bytes = joinBytes(frames.flatMap(({ head, payload }) => frameParts(head, payload)));
    const reader = new FrameReader();
    const read: LineFrame[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + (random() < 0.3 ? 1 + below(12) : 1 + below(100_000));
      read.push(...reader.take(bytes.subarray(at, end)));
      at = end;
    }
    expect(read).toEqual(frames);
    // A vector's elements are not copied once more.
    expect(read.every(({ payload }) => payload.byteLength === payload.buffer.byteLength)).toBe(true);
  }
});

test("a frame of an absurd length is refused before memory is taken for it", () => {
  const bytes = new Uint8Array([0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xa0]);
  expect(() => new FrameReader().take(bytes)).toThrow(
    "Cannot read a line: a frame of 1 and 4294967295 bytes",
  );
  expect(() => new FrameReader().take(bytes.toReversed())).toThrow("Cannot read a line");
});
