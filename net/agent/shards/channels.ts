/**
 * Shards that the driver writes: each an attempt with one partition, appended to by requests.
 */
import { decodeItem, itemLength } from "../../../core/batch/codec.ts";
import { LucioleError, ProtocolError } from "../../../core/errors.ts";
import { codecPorts } from "../../codec_ports.ts";
import { ShardFileWriter } from "../../store/shard_writer.ts";

export class Channels {
  readonly #directory: string;
  readonly #open = new Map<string, ShardFileWriter>();
  /** Channels that nobody reads before they are committed. */
  readonly #unread = new Set<string>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  has(attempt: string): boolean {
    return this.#open.has(attempt);
  }

  /** Whether its writer is to wait for readers. */
  isStreamed(attempt: string): boolean {
    return this.#open.has(attempt) && !this.#unread.has(attempt);
  }

  open(attempt: string, isUnread = false): void {
    if (this.#open.has(attempt)) return;
    if (isUnread) this.#unread.add(attempt);
    const options = { directory: this.#directory, attempt, partitions: 1, isFollowed: true };
    this.#open.set(attempt, new ShardFileWriter(options));
  }

  /**
   * Appends whole items; returns the size after it.
   *
   * @param position Where they begin; nothing is appended when they are there already.
   * @throws {ProtocolError} Having appended nothing.
   */
  append(attempt: string, bytes: Uint8Array, position?: number): number {
    const writer = this.#find(attempt);
    const { sizeBytes } = writer;
    if (position !== undefined && position !== sizeBytes) {
      if (position + bytes.byteLength === sizeBytes) return sizeBytes;
      throw new ProtocolError(
        `Cannot append to channel ${attempt}: it has ${sizeBytes} bytes, and those that came begin at ${position}`,
      );
    }
    const items: { readonly item: Uint8Array; readonly rows: number }[] = [];
    for (let at = 0; at < bytes.byteLength; ) {
      const length = itemLength(bytes, at);
      if (length === undefined || at + length > bytes.byteLength) {
        throw new ProtocolError(`Cannot append to channel ${attempt}: byte ${at} begins no whole item`);
      }
      const item = bytes.subarray(at, at + length);
      const decoded = decodeItem(item, codecPorts);
      if (decoded.kind !== "batch") {
        throw new ProtocolError(`Cannot append to channel ${attempt}: byte ${at} begins a trailer`);
      }
      items.push({ item, rows: decoded.batch.rows });
      at += length;
    }
    for (const { item, rows } of items) writer.write(0, item, rows);
    writer.flush();
    return writer.sizeBytes;
  }

  commit(attempt: string): void {
    this.#find(attempt).commit();
    this.#open.delete(attempt);
    this.#unread.delete(attempt);
  }

  /** @returns Whether it was open. */
  discard(attempt: string): boolean {
    this.#open.get(attempt)?.discard();
    this.#unread.delete(attempt);
    return this.#open.delete(attempt);
  }

  close(): void {
    for (const attempt of [...this.#open.keys()]) this.discard(attempt);
  }

  #find(attempt: string): ShardFileWriter {
    const writer = this.#open.get(attempt);
    if (writer !== undefined) return writer;
    throw new LucioleError("not-found", `Cannot find channel ${attempt}: it is not open`);
  }
}
