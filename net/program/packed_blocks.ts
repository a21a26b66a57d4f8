/**
 * Blocks of programs as they travel: deflated (RFC 1951) where that makes them smaller.
 *
 * What comes from others is unpacked to the length of a block at most. Hashes are looked at by who has the bytes.
 */
import { promisify } from "node:util";
import { deflateRaw, inflateRaw } from "node:zlib";
import { BLOCK_BYTES, type ProgramBlock } from "../../core/program_blocks/program_ref.ts";
import { fields, malformed, natural } from "../fields.ts";

export type PackedBlock = ProgramBlock | { readonly block: number; readonly deflated: Uint8Array };

const deflate = promisify<Uint8Array, { level: number }, Uint8Array>(deflateRaw);
const inflate = promisify<Uint8Array, { maxOutputLength: number }, Uint8Array>(inflateRaw);
/** About 80 MB/s; higher ones take longer and make executables smaller by 2% only. */
const LEVEL = 3;

export async function packBlock({ block, bytes }: ProgramBlock): Promise<PackedBlock> {
  const deflated = await deflate(bytes, { level: LEVEL });
  return deflated.byteLength < bytes.byteLength ? { block, deflated } : { block, bytes };
}

/** @throws {ProtocolError} */
export async function unpackBlock(value: unknown): Promise<ProgramBlock> {
  const { block, bytes, deflated } = fields(value, "blocks");
  const number = natural(block, "blocks.block");
  if (deflated === undefined) {
    if (!(bytes instanceof Uint8Array)) throw malformed("blocks.bytes", "bytes", bytes);
    return { block: number, bytes };
  }
  if (!(deflated instanceof Uint8Array)) throw malformed("blocks.deflated", "bytes", deflated);
  try {
    return { block: number, bytes: await inflate(deflated, { maxOutputLength: BLOCK_BYTES }) };
  } catch {
    throw malformed("blocks.deflated", `a block of at most ${BLOCK_BYTES} bytes, deflated`, deflated);
  }
}
