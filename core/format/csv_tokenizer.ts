/**
 * Finds the records and fields of CSV bytes (RFC 4180).
 *
 * Fills an index of positions, of the wanted fields only; makes no values and
 * knows no types. A quote opens a field only as its first byte; elsewhere it is
 * a byte like another. `net/source/csv_cuts.ts` follows the same rule.
 */

const NEWLINE = 10;
const RETURN = 13;
const QUOTE = 34;

export interface CsvFault {
  readonly row: number;
  readonly reason: string;
}

export class CsvTokenizer {
  /** Field s of row r lies in [starts[r * slots + s], ends[r * slots + s]). */
  starts = new Uint32Array(1024);
  ends = new Uint32Array(1024);
  /** Where each record begins, and where the last one that was read ends. */
  rowStarts = new Uint32Array(1024);
  rows = 0;
  /** Records that the last read found, those included that were taken out of the index since. */
  found = 0;
  faults: CsvFault[] = [];
  /** Fields of the last record, wanted or not. */
  columns = 0;
  readonly slots: number;
  readonly #delimiter: number;
  /** Slot of each column, -1 when it is not wanted. */
  readonly #slotOf: Int32Array;
  #quotedEnd = 0;
  #doubled: number[] = [];
  #fault: string | undefined;

  constructor(delimiter: number, slotOf: Int32Array) {
    this.#delimiter = delimiter;
    this.#slotOf = slotOf;
    this.slots = slotOf.reduce((most, slot) => Math.max(most, slot + 1), 0);
  }

  /**
   * Indexes whole records from `from`, at most maxRows, and returns where the next one begins.
   * Fields with doubled quotes are unescaped in place once their record is whole.
   */
  read(bytes: Uint8Array, from: number, isLast: boolean, maxRows: number): number {
    this.rows = 0;
    this.faults = [];
    let position = from;
    while (this.rows < maxRows) {
      position = skipBlank(bytes, position, isLast);
      if (position >= bytes.length) break;
      this.#reserve();
      const next = this.#record(bytes, position, isLast);
      if (next < 0) break;
      this.rowStarts[this.rows++] = position;
      position = next;
    }
    this.found = this.rows;
    return position;
  }

  /** Returns the position after the record, -1 when it is not whole yet. */
  #record(bytes: Uint8Array, from: number, isLast: boolean): number {
    const { starts, ends } = this;
    const slotOf = this.#slotOf;
    const delimiter = this.#delimiter;
    const length = bytes.length;
    const base = this.rows * this.slots;
    let column = 0;
    let i = from;
    for (;;) {
      let start = i;
      let end: number;
      if (i < length && bytes[i] === QUOTE) {
        i = this.#quoted(bytes, i, isLast);
        if (i < 0) return -1;
        start++;
        end = this.#quotedEnd;
      } else {
        while (i < length && bytes[i] !== delimiter && bytes[i] !== NEWLINE) i++;
        end = i > start && i < length && bytes[i] === NEWLINE && bytes[i - 1] === RETURN ? i - 1 : i;
      }
      if (i === length && !isLast) return this.#abandon();
      const slot = column < slotOf.length ? slotOf[column] : -1;
      if (slot >= 0) {
        starts[base + slot] = start;
        ends[base + slot] = end;
      }
      column++;
      if (i === length || bytes[i] === NEWLINE) break;
      i++;
    }
    this.#endRecord(bytes, column, base);
    return i + 1;
  }

  /** Reads a quoted field that begins at `from`; returns the position of what ends it, -1 when more is needed. */
  #quoted(bytes: Uint8Array, from: number, isLast: boolean): number {
    let i = from + 1;
    let isDoubled = false;
    for (;;) {
      i = bytes.indexOf(QUOTE, i);
      if (i < 0 || (i + 1 === bytes.length && !isLast)) {
        if (!isLast) return this.#abandon();
        this.#fault = "a quoted field has no end";
        this.#quotedEnd = bytes.length;
        return bytes.length;
      }
      if (bytes[i + 1] !== QUOTE) break;
      isDoubled = true;
      i += 2;
    }
    this.#quotedEnd = i;
    if (isDoubled) this.#doubled.push(from + 1, i);
    return this.#afterQuote(bytes, i + 1);
  }

  #afterQuote(bytes: Uint8Array, from: number): number {
    let i = from;
    if (bytes[i] === RETURN && (bytes[i + 1] === NEWLINE || i + 1 === bytes.length)) i++;
    if (i < bytes.length && bytes[i] !== this.#delimiter && bytes[i] !== NEWLINE) {
      this.#fault = "text follows a closing quote";
      while (i < bytes.length && bytes[i] !== this.#delimiter && bytes[i] !== NEWLINE) i++;
    }
    return i;
  }

  #abandon(): number {
    this.#doubled.length = 0;
    this.#fault = undefined;
    return -1;
  }

  #endRecord(bytes: Uint8Array, columns: number, base: number): void {
    this.columns = columns;
    if (columns !== this.#slotOf.length) {
      this.#fault ??= `it has ${columns} fields, not ${this.#slotOf.length}`;
      this.starts.fill(0, base, base + this.slots);
      this.ends.fill(0, base, base + this.slots);
    }
    if (this.#doubled.length > 0 && this.slots > 0) this.#unescape(bytes, base);
    this.#doubled.length = 0;
    if (this.#fault === undefined) return;
    this.faults.push({ row: this.rows, reason: this.#fault });
    this.#fault = undefined;
  }

  #unescape(bytes: Uint8Array, base: number): void {
    for (let d = 0; d < this.#doubled.length; d += 2) {
      const from = this.#doubled[d];
      let to = from;
      for (let i = from; i < this.#doubled[d + 1]; i++) {
        bytes[to++] = bytes[i];
        if (bytes[i] === QUOTE) i++;
      }
      for (let at = base; at < base + this.slots; at++) if (this.starts[at] === from) this.ends[at] = to;
    }
  }

  #reserve(): void {
    const fields = (this.rows + 1) * this.slots;
    if (fields > this.starts.length) {
      this.starts = grown(this.starts, fields);
      this.ends = grown(this.ends, fields);
    }
    if (this.rows >= this.rowStarts.length) this.rowStarts = grown(this.rowStarts, this.rows + 1);
  }
}

/** The fields of the first record and where the next one begins; undefined when more bytes are needed. */
export function readHeader(
  bytes: Uint8Array,
  delimiter: number,
  isLast: boolean,
): { readonly names: readonly string[]; readonly end: number } | undefined {
  const begin = skipBlank(bytes, 0, isLast);
  const counter = new CsvTokenizer(delimiter, new Int32Array(0));
  const end = counter.read(bytes, begin, isLast, 1);
  if (counter.rows === 0) return isLast ? { names: [], end: begin } : undefined;
  const slotOf = Int32Array.from({ length: counter.columns }, (_, i) => i);
  const tokenizer = new CsvTokenizer(delimiter, slotOf);
  // Unescaping changes the bytes that it reads, and these may be read again.
  const record = bytes.slice(begin, end);
  tokenizer.read(record, 0, true, 1);
  const names = Array.from(slotOf, (slot) => text(record, tokenizer.starts[slot], tokenizer.ends[slot]));
  return { names, end };
}

function text(bytes: Uint8Array, start: number, end: number): string {
  return new TextDecoder().decode(bytes.subarray(start, end));
}

/** Blank lines are not records. */
function skipBlank(bytes: Uint8Array, from: number, isLast: boolean): number {
  let i = from;
  for (; i < bytes.length; i++) {
    if (bytes[i] === NEWLINE) continue;
    const isReturn = bytes[i] === RETURN && (i + 1 < bytes.length ? bytes[i + 1] === NEWLINE : isLast);
    if (!isReturn) break;
  }
  return i;
}

function grown(array: Uint32Array, needed: number): Uint32Array<ArrayBuffer> {
  const next = new Uint32Array(Math.max(needed, array.length * 2));
  next.set(array);
  return next;
}
