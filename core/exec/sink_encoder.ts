/**
 * The end of a task group that writes files: rows become the bytes of one file.
 *
 * Knows the formats; where the bytes go and when they count is the port's affair.
 */
import { BatchBuilder } from "../batch/batch_builder.ts";
import { batchChecksum, encodeBatch, encodeTrailer } from "../batch/codec.ts";
import type { Batch } from "../batch/column.ts";
import { rowReader } from "../batch/row_reader.ts";
import { TrailerTally } from "../format/batch_items.ts";
import { show } from "../graph/arguments.ts";
import type { GraphNode, SinkFormat } from "../graph/node.ts";
import type { Operator } from "./operator.ts";
import type { SinkWriter } from "./ports.ts";
import { CsvRows } from "./sink/csv_rows.ts";
import { columnLines, plainLine } from "./sink/text_rows.ts";
import type { TaskScope } from "./task_scope.ts";

/** Text is encoded and written in pieces of about so many characters. */
const PIECE_CHARACTERS = 64 * 1024;

/** Tail "sink": encodes rows as the sink node's format says. */
export function createSinkEncoder(scope: TaskScope, node: GraphNode, writer: SinkWriter): Operator {
  if (node.spec.kind !== "sink")
    throw new RangeError(`Cannot encode a ${node.spec.kind}: node ${node.id} is no sink`);
  const { format } = node.spec;
  if (format.kind === "binary") return new BinaryEncoder(scope, writer);
  const encoder = new TextEncoderOperator(scope, node, writer, linesOf(scope, format));
  return format.kind === "text" && format.line === undefined
    ? new PlainTextEncoder(encoder, scope, writer)
    : encoder;
}

interface Lines {
  /** What the file begins with. */
  readonly header: string;
  /** The line of a row, with its end. */
  readonly line: (row: unknown) => string;
}

function linesOf(scope: TaskScope, format: Exclude<SinkFormat, { kind: "binary" }>): Lines {
  switch (format.kind) {
    case "text": {
      const { line } = format;
      if (line === undefined) return { header: "", line: (row) => `${plainLine(row)}\n` };
      return { header: "", line: (row) => `${checkedLine(line(row, scope.context))}\n` };
    }
    case "csv": {
      const rows = new CsvRows(format);
      return { header: rows.header(), line: (row) => rows.record(row) };
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

  finish(): void {
    this.flush();
  }

  flush(): void {
    if (this.#text === "") return;
    this.#writer.write(this.#utf8.encode(this.#text));
    this.#text = "";
  }
}

/** Strings that come in columns are written without being made strings. */
class PlainTextEncoder implements Operator {
  readonly #encoder: TextEncoderOperator;
  readonly #scope: TaskScope;
  readonly #writer: SinkWriter;

  constructor(encoder: TextEncoderOperator, scope: TaskScope, writer: SinkWriter) {
    this.#encoder = encoder;
    this.#scope = scope;
    this.#writer = writer;
  }

  row(row: unknown): void {
    this.#encoder.row(row);
  }

  batch(batch: Batch): void {
    const { column } = batch;
    if (column.kind !== "string" || column.validity !== undefined) {
      this.#encoder.batch(batch);
      return;
    }
    this.#encoder.flush();
    this.#writer.write(columnLines(column));
    this.#scope.totals.rowsOut += batch.rows;
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
