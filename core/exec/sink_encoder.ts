/**
 * The end of a task group that writes files: rows become the bytes of one file.
 *
 * Knows the formats; where the bytes go and when they count is the port's affair.
 */
import { BatchBuilder } from "../batch/batch_builder.ts";
import { batchChecksum, encodeBatch, encodeTrailer } from "../batch/codec.ts";
import type { Batch } from "../batch/column.ts";
import { PickedBatch } from "../batch/picks.ts";
import { rowReader } from "../batch/row_reader.ts";
import { TrailerTally } from "../format/batch_items.ts";
import { show } from "../graph/arguments.ts";
import type { GraphNode, SinkFormat } from "../graph/node.ts";
import type { Operator } from "./operator.ts";
import type { SinkWriter } from "./ports.ts";
import { CsvColumns } from "./sink/csv_columns.ts";
import { CsvRows } from "./sink/csv_rows.ts";
import { columnLines, pickedLines, plainLine } from "./sink/text_rows.ts";
import type { TaskScope } from "./task_scope.ts";

/** Text is encoded and written in pieces of about so many characters. */
const PIECE_CHARACTERS = 64 * 1024;

/** Tail "sink": encodes rows as the sink node's format says. */
export function createSinkEncoder(scope: TaskScope, node: GraphNode, writer: SinkWriter): Operator {
  if (node.spec.kind !== "sink")
    throw new RangeError(`Cannot encode a ${node.spec.kind}: node ${node.id} is no sink`);
  const { format } = node.spec;
  if (format.kind === "binary") return new BinaryEncoder(scope, writer);
  if (format.kind === "csv") {
    const rows = new CsvRows(format);
    const lines = { header: rows.header(), line: (row: unknown) => rows.record(row) };
    const encoder = new TextEncoderOperator(scope, node, writer, lines);
    const columns = CsvColumns.with(format.delimiter);
    if (columns === undefined) return encoder;
    return new ColumnEncoder(encoder, writer, ({ column, rows: count }) => {
      const known = rows.fields(column);
      if (known === undefined) return undefined;
      encoder.text(known.header);
      return columns.records(known.fields, count);
    });
  }
  const encoder = new TextEncoderOperator(scope, node, writer, linesOf(scope, format));
  return format.kind === "text" && format.line === undefined
    ? new ColumnEncoder(encoder, writer, plainLines)
    : encoder;
}

function plainLines(batch: Batch): Uint8Array | undefined {
  const picks = batch instanceof PickedBatch ? batch.picks : undefined;
  const lines = picks === undefined ? undefined : pickedLines(picks);
  if (lines !== undefined) return lines;
  const { column } = batch;
  return column.kind === "string" && column.validity === undefined ? columnLines(column) : undefined;
}

interface Lines {
  /** What the file begins with. */
  readonly header: string;
  /** The line of a row, with its end. */
  readonly line: (row: unknown) => string;
}

function linesOf(scope: TaskScope, format: Exclude<SinkFormat, { kind: "binary" | "csv" }>): Lines {
  switch (format.kind) {
    case "text": {
      const { line } = format;
      if (line === undefined) return { header: "", line: (row) => `${plainLine(row)}\n` };
      return { header: "", line: (row) => `${checkedLine(line(row, scope.context))}\n` };
    }
    case "jsonl":
      return { header: "", line: (row) => `${jsonLine(row)}\n` };
  }
}

function checkedLine(line: unknown): string {
  if (typeof line === "string") return line;
  throw new TypeError(`the line function returned ${show(line)}, not a string`);
}

function jsonLine(row: unknown): string {
  const text: string | undefined = JSON.stringify(row);
  if (text === undefined) throw new TypeError(`the row is ${typeof row}, which JSON cannot say`);
  return text;
}

class TextEncoderOperator implements Operator {
  readonly #scope: TaskScope;
  readonly #node: GraphNode;
  readonly #writer: SinkWriter;
  readonly #line: (row: unknown) => string;
  readonly #utf8 = new TextEncoder();
  #text: string;
  #rows = 0;

  constructor(scope: TaskScope, node: GraphNode, writer: SinkWriter, lines: Lines) {
    this.#scope = scope;
    this.#node = node;
    this.#writer = writer;
    this.#line = lines.line;
    this.#text = lines.header;
  }

  row(row: unknown): void {
    try {
      this.#text += this.#line(row);
    } catch (error) {
      this.#scope.fail(this.#node.id, error, this.#rows);
    }
    this.#rows++;
    this.#scope.totals.rowsOut++;
    if (this.#text.length >= PIECE_CHARACTERS) this.flush();
  }

  batch(batch: Batch): void {
    const read = rowReader(batch.column);
    for (let i = 0; i < batch.rows; i++) this.row(read(i));
  }

  /** Text between the rows: a header. */
  text(text: string): void {
    this.#text += text;
  }

  /** Rows that are written by others, behind those that it has. */
  took(rows: number): void {
    this.flush();
    this.#rows += rows;
    this.#scope.totals.rowsOut += rows;
  }

  finish(): void {
    this.flush();
  }

  flush(): void {
    if (this.#text === "") return;
    this.#writer.write(this.#utf8.encode(this.#text));
    this.#text = "";
  }
}

/** Writes batches without making rows of them where that can be done. */
class ColumnEncoder implements Operator {
  readonly #encoder: TextEncoderOperator;
  readonly #writer: SinkWriter;
  readonly #bytesOf: (batch: Batch) => Uint8Array | undefined;

  constructor(
    encoder: TextEncoderOperator,
    writer: SinkWriter,
    bytesOf: (batch: Batch) => Uint8Array | undefined,
  ) {
    this.#encoder = encoder;
    this.#writer = writer;
    this.#bytesOf = bytesOf;
  }

  row(row: unknown): void {
    this.#encoder.row(row);
  }

  batch(batch: Batch): void {
    const bytes = this.#bytesOf(batch);
    if (bytes === undefined) {
      this.#encoder.batch(batch);
      return;
    }
    this.#encoder.took(batch.rows);
    this.#writer.write(bytes);
  }

  finish(): void {
    this.#encoder.finish();
  }
}

class BinaryEncoder implements Operator {
  readonly #scope: TaskScope;
  readonly #writer: SinkWriter;
  readonly #builder: BatchBuilder;
  readonly #tally: TrailerTally;

  constructor(scope: TaskScope, writer: SinkWriter) {
    this.#scope = scope;
    this.#writer = writer;
    this.#tally = new TrailerTally(scope.ports.codec.checksum);
    this.#builder = new BatchBuilder({ onBatch: (batch) => this.#write(batch) });
  }

  row(row: unknown): void {
    this.#builder.append(row);
  }

  batch(batch: Batch): void {
    this.#builder.flush();
    this.#write(batch);
  }

  finish(): void {
    this.#builder.flush();
    this.#writer.write(encodeTrailer(this.#tally.trailer()));
  }

  #write(batch: Batch): void {
    const item = encodeBatch(batch, this.#scope.ports.codec);
    this.#tally.add(batchChecksum(item), batch.rows);
    this.#scope.totals.rowsOut += batch.rows;
    this.#writer.write(item);
  }
}
