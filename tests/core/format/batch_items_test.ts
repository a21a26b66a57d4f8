/** Sequences of batches: the trailer tells when any of them is missing, twice there or another one. */
import { describe, expect, test } from "bun:test";
import { batchChecksum, encodeBatch, encodeTrailer, type Trailer } from "../../../core/batch/codec.ts";
import { columnOf } from "../../../core/batch/make.ts";
import { ProtocolError } from "../../../core/errors.ts";
import { ItemDecoder, TrailerTally } from "../../../core/format/batch_items.ts";
import { codecPorts } from "../../../net/codec_ports.ts";

const items = [[1, 2], [3, 4], [5]].map((values) =>
  encodeBatch({ rows: values.length, column: columnOf(values) }, codecPorts),
);
const tally = new TrailerTally(codecPorts.checksum);
for (const [i, item] of items.entries()) tally.add(batchChecksum(item), i === 2 ? 1 : 2);
const trailer = tally.trailer();

/** Rows of a sequence, read to its end. */
function rowsOf(batches: readonly Uint8Array[], end: Trailer): number {
  const decoder = new ItemDecoder(codecPorts);
  for (const item of [...batches, encodeTrailer(end)]) decoder.push(item);
  let rows = 0;
  for (let batch = decoder.next(); batch !== undefined; batch = decoder.next()) rows += batch.rows;
  expect(decoder.isComplete).toBe(true);
  return rows;
}

describe("ItemDecoder", () => {
  test("next() gives every batch when the trailer agrees", () => {
    expect(trailer).toMatchObject({ batches: 3, rows: 5 });
    expect(rowsOf(items, trailer)).toBe(5);
  });

  test.each<[string, readonly Uint8Array[], Trailer]>([
    ["a batch is missing", [items[0], items[2]], trailer],
    ["all batches are missing", [], trailer],
    ["a batch came twice", [items[0], items[0], items[2]], trailer],
    ["batches were exchanged", [items[1], items[0], items[2]], trailer],
    ["the trailer tells of more batches", items, { ...trailer, batches: 4 }],
    ["the trailer tells of more rows", items, { ...trailer, rows: 6 }],
    ["the trailer tells of other bytes", items, { ...trailer, checksum: trailer.checksum ^ 1 }],
  ])("next() refuses a sequence when %s", (_, batches, end) => {
    expect(() => rowsOf(batches, end)).toThrow(ProtocolError);
  });
});
