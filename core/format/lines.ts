/**
 * Cuts bytes into lines and gives them as string columns.
 *
 * Knows line ends and byte order marks; knows nothing of files, splits or what
 * the lines mean. A line may be of any length. Each byte is copied once.
 */
import type { Batch, StringColumn } from "../batch/column.ts";

export interface LineSplitterOptions {
  readonly onBatch: (batch: Batch & { readonly column: StringColumn }) => void;
  /** Default 65,536. */
  readonly maxRows?: number;
  /** A batch holds about so many bytes, or one line. Default 1 MiB. */
  readonly maxBytes?: number;
}

const NEWLINE = 10;
const NEWLINES = 0x0a0a0a0a;
const RETURN = 13;
const NOTHING = new Uint8Array(0);

export class LineSplitter {
  readonly #onBatch: LineSplitterOptions["onBatch"];
  readonly #maxRows: number;
  readonly #maxBytes: number;
  /** Ends of the lines in #bytes; entry 0 is the beginning of the first. */
  readonly #offsets: Uint32Array;
  #rows = 0;
  #bytes = NOTHING;
  /** End of what #bytes holds; between calls that is the end of a line. */
  #used = 0;
  /** Pieces of the line whose end has not come. */
  #open: Uint8Array[] = [];
  #openBytes = 0;
  #isFirstLine = true;

  constructor(options: LineSplitterOptions) {
    this.#onBatch = options.onBatch;
    this.#maxRows = options.maxRows ?? 65_536;
    this.#maxBytes = options.maxBytes ?? 1 << 20;
    this.#offsets = new Uint32Array(this.#maxRows + 1);
  }

  /** Bytes of a file follow; a byte order mark is one at the file's very beginning only. */
  beginFile(isAtStart: boolean): void {
    this.#isFirstLine = isAtStart;
  }

  /** Takes the next bytes of the input; they may be kept until the line ends, so must not change. */
  push(piece: Uint8Array): void {
    const last = piece.lastIndexOf(NEWLINE);
    if (last < 0) {
      if (piece.length > 0) this.#keepOpen(piece);
      return;
    }
    this.#makeRoom(this.#openBytes + last + 1);
    this.#takeOpen();
    this.#takeLines(piece, last + 1);
    if (last + 1 < piece.length) this.#keepOpen(piece.subarray(last + 1));
  }

  /** Ends a file: what follows the last line end, if anything, is a line too. */
  endFile(): void {
    if (this.#openBytes > 0) {
      this.#makeRoom(this.#openBytes);
      this.#takeOpen();
      if (this.#isFirstLine) this.#stripMark();
      if (this.#used > this.#offsets[this.#rows]) this.#endLine();
    }
    this.#isFirstLine = true;
  }

  /** Emits the whole lines that are held. */
  flush(): void {
    if (this.#rows === 0) return;
    const offsets = this.#offsets.slice(0, this.#rows + 1);
    this.#offsets[0] = this.#offsets[this.#rows];
    const bytes = this.#bytes.subarray(0, offsets[this.#rows]);
    const length = this.#rows;
    this.#rows = 0;
    this.#onBatch({ rows: length, column: { kind: "string", length, offsets, bytes } });
  }

  #keepOpen(piece: Uint8Array): void {
    this.#open.push(piece);
    this.#openBytes += piece.length;
  }

  #makeRoom(sizeBytes: number): void {
    if (this.#used + sizeBytes <= this.#bytes.length) return;
    this.flush();
    this.#bytes = new Uint8Array(Math.max(sizeBytes, this.#maxBytes));
    this.#used = 0;
    this.#offsets[0] = 0;
  }

  #takeOpen(): void {
    for (const piece of this.#open) {
      this.#bytes.set(piece, this.#used);
      this.#used += piece.length;
    }
    this.#open = [];
    this.#openBytes = 0;
  }

  /** Takes piece[0 … end), which ends with a line end. */
  #takeLines(piece: Uint8Array, end: number): void {
    let from = 0;
    if (this.#isFirstLine) from = this.#takeLine(piece, from);
    while (from < end) {
      from = this.#copyLines(piece, from, end);
      if (this.#rows === this.#maxRows) this.flush();
    }
  }

  #takeLine(piece: Uint8Array, from: number): number {
    const end = piece.indexOf(NEWLINE, from);
    this.#bytes.set(piece.subarray(from, end), this.#used);
    this.#used += end - from;
    if (this.#used > this.#offsets[this.#rows] && this.#bytes[this.#used - 1] === RETURN) this.#used--;
    this.#endLine();
    return end + 1;
  }

  /** The hot loop: everything it touches is local. Stops when the batch is full. */
  #copyLines(piece: Uint8Array, from: number, end: number): number {
    const bytes = this.#bytes;
    const offsets = this.#offsets;
    const maxRows = this.#maxRows;
    let rows = this.#rows;
    let used = this.#used;
    let start = offsets[rows];
    const input = new DataView(piece.buffer, piece.byteOffset, piece.byteLength);
    const output = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const lastWord = Math.min(end, bytes.length - used + from) - 4;
    let i = from;
    while (i < end && rows < maxRows) {
      // Four bytes at a time up to the word that holds a line end.
      while (i <= lastWord) {
        const word = input.getInt32(i, true);
        const other = word ^ NEWLINES;
        if (((other - 0x01010101) & ~other & 0x80808080) !== 0) break;
        output.setInt32(used, word, true);
        used += 4;
        i += 4;
      }
      const byte = piece[i++];
      if (byte !== NEWLINE) {
        bytes[used++] = byte;
      } else {
        if (used > start && bytes[used - 1] === RETURN) used--;
        offsets[++rows] = start = used;
      }
    }
    this.#rows = rows;
    this.#used = used;
    return i;
  }

  #endLine(): void {
    if (this.#isFirstLine) this.#stripMark();
    this.#offsets[++this.#rows] = this.#used;
    if (this.#rows === this.#maxRows) this.flush();
  }

  /** Removes a UTF-8 byte order mark from the first line of a file. */
  #stripMark(): void {
    this.#isFirstLine = false;
    const bytes = this.#bytes;
    const at = this.#offsets[this.#rows];
    if (this.#used - at < 3 || bytes[at] !== 0xef || bytes[at + 1] !== 0xbb || bytes[at + 2] !== 0xbf) return;
    bytes.copyWithin(at, at + 3, this.#used);
    this.#used -= 3;
  }
}
