/**
 * What the batch codec needs from outside: a codec for odd values and a checksum.
 */

/** Encodes values that have no columnar form. net implements it with cbor-x. */
export interface ValueCodec {
  /** @throws {LucioleError} code "not-serialisable", naming the type, for functions, symbols, promises, class instances. */
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

/** CRC-32 (IEEE) of some bytes, as an unsigned number. */
export type Checksum = (bytes: Uint8Array) => number;

export interface CodecPorts {
  readonly values: ValueCodec;
  readonly checksum: Checksum;
}
