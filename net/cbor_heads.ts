/** The major types of CBOR items, and the marks of those of unknown length (RFC 8949 §3). */

export const BYTES = 2;
export const TEXT = 3;
export const ARRAY = 4;
export const MAP = 5;
export const TAG = 6;
export const BREAK = 0xff;
export const INDEFINITE = 31;
