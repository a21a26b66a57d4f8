/**
 * The codec ports of core, bound once: CBOR values and CRC-32.
 */
import { crc32 } from "node:zlib";
import type { CodecPorts } from "../core/batch/ports.ts";
import { valueCodec } from "./cbor.ts";
import { toleratesFaults } from "./runtime/fault_setting.ts";

export const codecPorts: CodecPorts = {
  values: valueCodec,
  checksum: toleratesFaults ? (bytes) => crc32(bytes) : () => 0,
};
