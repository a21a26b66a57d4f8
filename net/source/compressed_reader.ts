/**
 * Reads a compressed file as the bytes in it, piece by piece in bounded memory.
 *
 * A file that is cut short or corrupt is an error that names it, never an early end.
 */
import { pipeline, Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { LucioleError } from "../../core/errors.ts";
import type { ByteReader } from "../../core/exec/ports.ts";
import { ZstdFrames } from "./zstd_frames.ts";

const PIECE_BYTES = 1 << 20;

/** Where the compressed bytes come from. */
export interface RawFile {
  readonly name: string;
  read(): Uint8Array | undefined;
  close(): void;
}

export class CompressedReader implements ByteReader {
  readonly name: string;
  readonly #file: RawFile;
  readonly #pieces: AsyncGenerator<Uint8Array>;
  #nextPosition = 0;
  /** Position of the last piece in the decompressed file. */
  position = 0;

  constructor(file: RawFile, compression: "gzip" | "zstd") {
    this.name = file.name;
    this.#file = file;
    this.#pieces = compression === "gzip" ? gunzip(file) : unzstd(file);
  }

  async next(): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await this.#pieces.next();
      if (done === true) return undefined;
      this.position = this.#nextPosition;
      this.#nextPosition += value.byteLength;
      return value;
    } catch (cause) {
      if (cause instanceof LucioleError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new LucioleError(
        "malformed-input",
        `Cannot read "${this.name}": its compressed data is cut short or corrupt: ${reason}`,
        { cause, fields: { path: this.name } },
      );
    }
  }

  close(): void {
    this.#file.close();
    this.#pieces.return(undefined).catch(() => undefined);
  }
}

async function* gunzip(file: RawFile): AsyncGenerator<Uint8Array> {
  yield* decompressed(pieces(file), createGunzip({ chunkSize: PIECE_BYTES }));
}

async function* unzstd(file: RawFile): AsyncGenerator<Uint8Array> {
  const frames = new ZstdFrames(() => file.read());
  for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
    yield* decompressed(frame, createZstdDecompress({ chunkSize: PIECE_BYTES }));
  }
}

function* pieces(file: RawFile): Generator<Uint8Array> {
  for (let piece = file.read(); piece !== undefined; piece = file.read()) yield piece;
}

async function* decompressed(
  input: Iterable<Uint8Array>,
  decoder: NodeJS.ReadWriteStream & AsyncIterable<string | Uint8Array>,
): AsyncGenerator<Uint8Array> {
  // Whatever goes wrong is told to the loop below, which ends the decoder too.
  pipeline(Readable.from(input, { objectMode: true }), decoder, () => undefined);
  for await (const piece of decoder) {
    if (typeof piece === "string") continue;
    yield new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
  }
}
