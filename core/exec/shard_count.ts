/**
 * Counts what a task writes, for its shard report.
 *
 * Wraps the writers of the ports; knows nothing of what the bytes are.
 */
import type { ChunkMark, PartitionReport, ShardReport } from "../schedule/report.ts";
import type { ShardWriter, SinkWriter } from "./ports.ts";
import type { Totals } from "./task_scope.ts";

export class CountingWriter implements ShardWriter {
  readonly #writer: ShardWriter;
  readonly #totals: Totals;
  readonly #partitions: { -readonly [K in keyof PartitionReport]: PartitionReport[K] }[];
  readonly #marks: ChunkMark[] = [];

  constructor(writer: ShardWriter, partitions: number, totals: Totals) {
    this.#writer = writer;
    this.#totals = totals;
    this.#partitions = Array.from({ length: partitions }, () => ({ rows: 0, bytes: 0, chunks: 0 }));
  }

  write(partition: number, item: Uint8Array, rows: number, mark?: ChunkMark): void {
    this.#writer.write(partition, item, rows, mark);
    const report = this.#partitions[partition];
    report.rows += rows;
    report.bytes += item.length;
    report.chunks++;
    this.#totals.rowsOut += rows;
    this.#totals.bytesOut += item.length;
    if (mark !== undefined) this.#marks.push(mark);
  }

  drained(): Promise<void> | undefined {
    return this.#writer.drained?.();
  }

  report(): ShardReport {
    return this.#marks.length === 0
      ? { partitions: this.#partitions }
      : { partitions: this.#partitions, marks: this.#marks };
  }
}

export class CountingSink implements SinkWriter {
  readonly #sink: SinkWriter;
  readonly #totals: Totals;
  #bytes = 0;

  constructor(sink: SinkWriter, totals: Totals) {
    this.#sink = sink;
    this.#totals = totals;
  }

  write(bytes: Uint8Array): void {
    this.#sink.write(bytes);
    this.#bytes += bytes.length;
    this.#totals.bytesOut += bytes.length;
  }

  /** Rows are counted by the encoder, in the totals. */
  report(): ShardReport {
    const name = this.#sink.name ?? "";
    return { partitions: [], sinkFile: { name, rows: this.#totals.rowsOut, bytes: this.#bytes } };
  }
}
