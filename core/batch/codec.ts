/**
 * Batches as bytes: each one CBOR item, with typed arrays of RFC 8746, in host (little-endian) order.
 *
 * Batch:   [length, rows, crc32, column, padding]
 * Trailer: [length, "end", batches, rows, crc32, padding]
 * Column:  [kind, length, presence, …buffers], see encode_column.ts
 *
 * length, rows, crc32 and batches take five bytes each, so a batch's head is 16 bytes long. `length`
 * counts the whole item and is a multiple of 8, so items one after the other stay aligned. crc32 is
 * over everything after the head. Knows nothing of files; what is appended where is net's.
 */
import { LucioleError, ProtocolError } from "../errors.ts";
import { CborReader } from "./cbor_reader.ts";
import { CborWriter } from "./cbor_writer.ts";
import type { Batch } from "./column.ts";
import { decodeColumn } from "./decode_column.ts";
import { encodeColumn } from "./encode_column.ts";
import { encodePicks } from "./encode_picks.ts";
import { columnBytes } from "./gather.ts";
import { PickedBatch } from "./picks.ts";
import type { CodecPorts } from "./ports.ts";

/** The last item of a shard. */
export interface Trailer {
  readonly batches: number;
  readonly rows: number;
  /** Over the checksums of the batches. */
  readonly checksum: number;
}

type Item =
  | { readonly kind: "batch"; readonly batch: Batch }
  | { readonly kind: "trailer"; readonly trailer: Trailer };

const HEAD_BYTES = 16;
const LENGTH_AT = 1;
const ROWS_AT = 6;
const CHECKSUM_AT = 11;
/** First byte of a batch and of a trailer: arrays of five and of six. */
const BATCH = 0x85;
const TRAILER = 0x86;
const MAX_ITEM_BYTES = 2 ** 31;
/** Bounds what rows without bytes (all null, empty objects) may claim. */
const MAX_ROWS = 2 ** 28;

/**
 * Encodes a batch as one item.
 *
 * @param scratch who writes many gives the same one each time: an item is then good until the next one.
 */
export function encodeBatch(batch: Batch, ports: CodecPorts, scratch?: CborWriter): Uint8Array {
  const writer = scratch ?? new CborWriter(columnBytes(batch.column) + 512);
  writer.clear();
  writer.array(5);
  writer.fixedUint(0);
  writer.fixedUint(batch.rows);
  writer.fixedUint(0);
  const picks = batch instanceof PickedBatch ? batch.picks : undefined;
  if (picks === undefined) encodeColumn(writer, batch.column, ports.values);
  else encodePicks(writer, picks, ports.values);
  const item = finishItem(writer);
  writer.setFixedUint(CHECKSUM_AT, ports.checksum(item.subarray(HEAD_BYTES)));
  return item;
}

/** Encodes the trailer as one item. */
export function encodeTrailer(trailer: Trailer): Uint8Array {
  const writer = new CborWriter(64);
  writer.array(6);
  writer.fixedUint(0);
  writer.text("end");
  writer.fixedUint(trailer.batches);
  // Rows may be more than 32 bits hold: [high, low].
  writer.array(2);
  writer.fixedUint(Math.floor(trailer.rows / 2 ** 32));
  writer.fixedUint(trailer.rows % 2 ** 32);
  writer.fixedUint(trailer.checksum);
  return finishItem(writer);
}

/** Pads to a multiple of 8 and sets the length. */
function finishItem(writer: CborWriter): Uint8Array {
  writer.padding((writer.length + 1) % 8, 8);
  if (writer.length > MAX_ITEM_BYTES) {
    throw new LucioleError(
      "batch-too-large",
      `Cannot encode a batch: ${writer.length} bytes, at most ${MAX_ITEM_BYTES}`,
    );
  }
  writer.setFixedUint(LENGTH_AT, writer.length);
  return writer.finish();
}

/**
 * Tells how long the item at a position is; undefined when more bytes are needed to tell.
 * @throws {ProtocolError} If no item begins there.
 */
export function itemLength(bytes: Uint8Array, position: number): number | undefined {
  if (bytes.length - position < 6) return undefined;
  const first = bytes[position];
  if ((first !== BATCH && first !== TRAILER) || bytes[position + 1] !== 0x1a) {
    throw new ProtocolError(`Cannot find a batch: byte ${position} begins none`);
  }
  const length = uint32At(bytes, position + 2);
  if (length < HEAD_BYTES || length > MAX_ITEM_BYTES || length % 8 !== 0) {
    throw new ProtocolError(`Cannot find a batch: its length at byte ${position} is ${length}`);
  }
  return length;
}

/** The rows of a batch, as its head tells. */
export function batchRows(item: Uint8Array): number {
  return uint32At(item, ROWS_AT + 1);
}

/** The checksum in a batch's head, which the trailer's is made of. */
export function batchChecksum(item: Uint8Array): number {
  return uint32At(item, CHECKSUM_AT + 1);
}

/**
 * Decodes one item. The columns are views of `item` where it is aligned to 8 bytes, so it must not change.
 * @throws {ProtocolError} If the checksum does not fit or the bytes are malformed.
 */
export function decodeItem(item: Uint8Array, ports: CodecPorts): Item {
  if (itemLength(item, 0) !== item.length) {
    throw new ProtocolError(`Cannot decode a batch: ${item.length} bytes are not one whole item`);
  }
  return item[0] === TRAILER
    ? { kind: "trailer", trailer: decodeTrailer(item) }
    : { kind: "batch", batch: decodeBatch(item, ports) };
}

function decodeBatch(item: Uint8Array, ports: CodecPorts): Batch {
  const reader = new CborReader(item, LENGTH_AT);
  reader.uint();
  const rows = reader.uint();
  const expected = reader.uint();
  if (rows > MAX_ROWS) reader.fail(`${rows} rows`);
  const actual = ports.checksum(item.subarray(HEAD_BYTES));
  if (actual !== expected) reader.fail(`checksum ${actual} where ${expected} was written`);
  const column = decodeColumn(reader, rows, ports.values);
  reader.blob();
  if (!reader.isAtEnd) reader.fail("bytes after the end");
  return { rows, column };
}

function decodeTrailer(item: Uint8Array): Trailer {
  const reader = new CborReader(item, LENGTH_AT);
  reader.uint();
  if (reader.text() !== "end") reader.fail("no trailer");
  const batches = reader.uint();
  if (reader.array() !== 2) reader.fail("no row count");
  const rows = reader.uint() * 2 ** 32 + reader.uint();
  const trailer = { batches, rows, checksum: reader.uint() };
  reader.blob();
  if (!reader.isAtEnd) reader.fail("bytes after the end");
  return trailer;
}

function uint32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
