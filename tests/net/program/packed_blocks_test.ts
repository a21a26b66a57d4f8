/** Blocks come back as they were, whatever they hold; what unpacks to more than a block, or not at all, is refused. */
import { expect, test } from "bun:test";
import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { BLOCK_BYTES } from "../../../core/program_blocks/program_ref.ts";
import { packBlock, unpackBlock } from "../../../net/program/packed_blocks.ts";

test("a block comes back as it was, and is never sent larger", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(300), async (part, times) => {
      const bytes = new Uint8Array(Math.min(BLOCK_BYTES, part.length * (times + 1)));
      for (let at = 0; at < bytes.length; at++) bytes[at] = part[at % part.length];
      const packed = await packBlock({ block: times, bytes });
      expect("deflated" in packed ? packed.deflated.length : packed.bytes.length).toBeLessThanOrEqual(
        bytes.length,
      );
      const { block, bytes: back } = await unpackBlock(packed);
      expect([block, Buffer.from(back).equals(Buffer.from(bytes))]).toEqual([times, true]);
    }),
  );
});

test("a block of zeros travels as less than a hundredth", async () => {
  const packed = await packBlock({ block: 0, bytes: new Uint8Array(BLOCK_BYTES) });
  expect("deflated" in packed && packed.deflated.length < BLOCK_BYTES / 100).toBe(true);
});

test.each([
  ["more than a block", deflateRawSync(new Uint8Array(BLOCK_BYTES + 1))],
  ["a thousand blocks", deflateRawSync(new Uint8Array(1000 * BLOCK_BYTES))],
  ["nothing that was deflated", Uint8Array.of(255, 255, 1)],
  ["no bytes", "text"],
])("%s is refused", async (_, deflated) => {
  expect(unpackBlock({ block: 0, deflated })).rejects.toThrow("blocks.deflated");
});
