/**
 * Turns the bytes of one CSV file, or of a split of it, into object columns.
 *
 * Owns the header, the choice of columns and what spans two pieces. Malformed
 * records are told to the owner, which fails or skips them; files are unknown here.
 */
import type { Batch, Column } from "../batch/column.ts";
import { LucioleError } from "../errors.ts";
import { nearestName } from "../graph/arguments.ts";
import type { CsvOptions } from "../graph/node.ts";
import { csvColumn, csvTypeOf } from "./csv_columns.ts";
import { CsvLoop } from "./csv_loop.ts";
import { CsvTokenizer, readHeader } from "./csv_tokenizer.ts";
import { joinBytes } from "./join_bytes.ts";
import { MAX_ROWS } from "./parse_loop.ts";

/** A record that cannot be a row. */
export interface MalformedRecord {
  /** Position of its first byte, counted from the first byte that was pushed. */
  readonly position: number;
  readonly reason: string;
  /** Its first bytes. */
  readonly text: string;
}

export interface CsvParserOptions {
  readonly csv: CsvOptions;
  /** Names of all columns of the file, when its first record is not among the bytes that are pushed. */
  readonly header?: readonly string[];
  /** Of the columns that rows have, only these are made; those that may make a row malformed are checked still. */
  readonly wanted?: readonly string[];
  /** False reads all records in the general way: slower, and the same rows. */
  readonly isGenerated?: boolean;
  readonly onBatch: (batch: Batch) => void;
  /** Called for each malformed record before its batch; throws, or lets it be skipped. */
  readonly onMalformed: (record: MalformedRecord) => void;
}

const NEWLINE = 10;
/** The beginning of a longer record is not looked at again for each line end. */
const LONG_BYTES = 4096;
const MAX_SAMPLE_BYTES = 200;

export class CsvParser {
  readonly #options: CsvParserOptions;
  readonly #delimiter: number;
  #names: readonly string[] = [];
  #tokenizer: CsvTokenizer | undefined;
  #loop: CsvLoop | undefined;
  /** Records that are read in the general way before the loop is tried again: more the fewer it takes. */
  #oddRecords = 1;
  /** The beginning of a record that is not whole, in pieces. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** A record is looked at again only when twice as many bytes are there, so that its cost stays linear. */
  #neededBytes = 0;
  #position = 0;
  /** Length of a header that was read but not yet passed. */
  #headerBytes = 0;

  constructor(options: CsvParserOptions) {
    this.#options = options;
    this.#delimiter = delimiterByte(options.csv.delimiter ?? ",");
    if (options.header !== undefined) this.#start(options.header);
  }

  push(piece: Uint8Array): void {
    const rest = this.#loop === undefined || this.#heldBytes === 0 ? piece : this.#joinRecord(piece);
    if (rest.length === 0) return;
    this.#held.push(rest);
    this.#heldBytes += rest.length;
    if (this.#heldBytes >= this.#neededBytes) this.#parse(false);
  }

  /** Ends the file: what is held is its last record. */
  end(): void {
    this.#parse(true);
    this.#flush();
  }

  /** Ends the record that is held with its first line end in the piece, so that the piece need not be copied. */
  #joinRecord(piece: Uint8Array): Uint8Array {
    const end = piece.indexOf(NEWLINE) + 1;
    const isLong = this.#heldBytes > LONG_BYTES && this.#heldBytes + end < this.#neededBytes;
    if (end === 0 || isLong) return piece;
    this.#held.push(piece.subarray(0, end));
    this.#heldBytes += end;
    this.#parse(false);
    return piece.subarray(end);
  }

  #parse(isLast: boolean): void {
    const bytes = joinBytes(this.#held);
    let at = this.#position === 0 && this.#options.header === undefined ? markLength(bytes) : 0;
    const tokenizer = this.#tokenizer ?? this.#readHeader(bytes.subarray(at), isLast);
    if (tokenizer !== undefined) {
      at += this.#headerBytes;
      this.#headerBytes = 0;
      at = this.#readRecords(tokenizer, bytes, at, isLast);
    } else {
      at = 0;
    }
    this.#position += at;
    this.#held = at < bytes.length ? [bytes.subarray(at)] : [];
    this.#heldBytes = bytes.length - at;
    this.#neededBytes = this.#heldBytes * 2;
  }

  /** Reads whole records: plain ones by the loop, others in the general way, and returns where it stopped. */
  #readRecords(tokenizer: CsvTokenizer, bytes: Uint8Array, from: number, isLast: boolean): number {
    const loop = this.#loop;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const limit = bytes.lastIndexOf(NEWLINE) + 1;
    let at = from;
    do {
      let maxRows = MAX_ROWS;
      if (loop !== undefined) {
        at = this.#readPlain(loop, bytes, view, at, limit);
        maxRows = Math.min(this.#oddRecords, MAX_ROWS - loop.rows);
      }
      const next = tokenizer.read(bytes, at, isLast, maxRows);
      if (tokenizer.rows > 0) this.#emit(tokenizer, bytes, at, next);
      at = next;
    } while (tokenizer.found > 0);
    return at;
  }

  /** Has the loop read what it takes. */
  #readPlain(loop: CsvLoop, bytes: Uint8Array, view: DataView, from: number, limit: number): number {
    let at = from;
    let taken = 0;
    do {
      if (loop.isFull) this.#flush();
      const before = loop.rows;
      at = loop.read(bytes, view, at, limit);
      taken += loop.rows - before;
    } while (loop.isFull);
    const isRare = !loop.isAtOdd || taken >= 4 * this.#oddRecords;
    this.#oddRecords = isRare ? 1 : Math.min(MAX_ROWS, this.#oddRecords * 2);
    return at;
  }

  #flush(): void {
    const loop = this.#loop;
    if (loop !== undefined && loop.rows > 0) this.#give(loop.rows, loop.take());
  }

  #readHeader(bytes: Uint8Array, isLast: boolean): CsvTokenizer | undefined {
    const header = readHeader(bytes, this.#delimiter, isLast);
    if (header === undefined) return undefined;
    const { csv } = this.#options;
    if (csv.header === false) return this.#start(csv.columns ?? header.names.map((_, i) => `column${i}`));
    this.#headerBytes = header.end;
    return this.#start(header.names);
  }

  #start(header: readonly string[]): CsvTokenizer {
    const { csv } = this.#options;
    const names = header.length === 0 || csv.header === false ? header : (csv.columns ?? header);
    this.#names = names.filter((name) => this.#isMade(name));
    const slotOf = Int32Array.from(header, (name) => this.#names.indexOf(name));
    checkNames(header, header.length === 0 ? [] : [...names, ...Object.keys(csv.types ?? {})]);
    this.#tokenizer = new CsvTokenizer(this.#delimiter, slotOf);
    const typeOf = (slot: number) => csvTypeOf(csv, this.#names[slot]);
    const fields = Array.from(slotOf, (slot) => (slot < 0 ? undefined : { slot, type: typeOf(slot) }));
    if (this.#options.isGenerated !== false) this.#loop = CsvLoop.of({ delimiter: this.#delimiter, fields });
    return this.#tokenizer;
  }

  /** Any text is a string; of the other types a row may be malformed also when nobody looks at the column. */
  #isMade(name: string): boolean {
    const { csv, wanted } = this.#options;
    return wanted === undefined || wanted.includes(name) || csvTypeOf(csv, name) !== "string";
  }

  #emit(tokenizer: CsvTokenizer, bytes: Uint8Array, from: number, end: number): void {
    let columns = this.#columns(tokenizer, bytes);
    if (tokenizer.faults.length > 0) {
      this.#tellMalformed(tokenizer, bytes, end);
      removeFaults(tokenizer);
      columns = this.#columns(tokenizer, bytes);
    }
    const length = tokenizer.rows;
    if (length === 0) return;
    if (this.#loop === undefined) this.#give(length, columns);
    else this.#loop.add(columns, length, end - from);
  }

  #give(length: number, columns: Column[]): void {
    this.#options.onBatch({ rows: length, column: { kind: "object", length, names: this.#names, columns } });
  }

  #columns(tokenizer: CsvTokenizer, bytes: Uint8Array): Column[] {
    const known = new Set(tokenizer.faults.map((fault) => fault.row));
    const refuse = (row: number, reason: string) => {
      if (known.has(row)) return;
      known.add(row);
      tokenizer.faults.push({ row, reason });
    };
    return this.#names.map((name, slot) => {
      return csvColumn(csvTypeOf(this.#options.csv, name), { bytes, index: tokenizer, slot, name }, refuse);
    });
  }

  #tellMalformed(tokenizer: CsvTokenizer, bytes: Uint8Array, end: number): void {
    tokenizer.faults.sort((a, b) => a.row - b.row);
    for (const { row, reason } of tokenizer.faults) {
      const start = tokenizer.rowStarts[row];
      const stop = row + 1 < tokenizer.rows ? tokenizer.rowStarts[row + 1] : end;
      const sample = bytes.subarray(start, Math.min(stop, start + MAX_SAMPLE_BYTES));
      const text = new TextDecoder().decode(sample).replace(/[\r\n]+$/, "");
      this.#options.onMalformed({ position: this.#position + start, reason, text });
    }
  }
}

/** @throws {LucioleError} If one of the names is not that of exactly one column of the file. */
function checkNames(header: readonly string[], names: readonly string[]): void {
  for (const name of names) {
    const count = header.filter((other) => other === name).length;
    if (count === 1) continue;
    const near = nearestName(name, header);
    const hint = near === undefined ? "" : ` (did you mean "${near}"?)`;
    const state =
      count === 0 ? `there is no column "${name}"${hint}` : `column "${name}" is there ${count} times`;
    throw new LucioleError("malformed-input", `${state}; the columns are ${header.join(", ")}`);
  }
}

function delimiterByte(delimiter: string): number {
  const code = delimiter.charCodeAt(0);
  if (delimiter.length !== 1 || code > 127 || code === 10 || code === 13 || code === 34) {
    throw new RangeError(`Cannot read CSV: the delimiter must be one ASCII character, not "${delimiter}"`);
  }
  return code;
}

/** Takes the rows with faults out of the index. */
function removeFaults(tokenizer: CsvTokenizer): void {
  const { starts, ends, slots, faults } = tokenizer;
  const bad = new Set(faults.map((fault) => fault.row));
  let to = 0;
  for (let row = 0; row < tokenizer.rows; row++) {
    if (bad.has(row)) continue;
    starts.copyWithin(to * slots, row * slots, (row + 1) * slots);
    ends.copyWithin(to * slots, row * slots, (row + 1) * slots);
    to++;
  }
  tokenizer.rows = to;
  tokenizer.faults = [];
}

function markLength(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}
