/**
 * Turns the bytes of one file of JSON lines, or of a split of it, into rows.
 *
 * Plain lines become columns by a loop that is generated for the shape of the lines
 * before them; JSON.parse reads all others, and alone says what is wrong with a line.
 * Owns what spans two pieces; files are unknown here.
 */
import type { Batch } from "../batch/column.ts";
import { wantsGeneratedCode } from "../generated_code.ts";
import { joinBytes } from "./join_bytes.ts";
import { parseJsonLines } from "./jsonl.ts";
import { JsonlLoop } from "./jsonl_loop.ts";
import { type JsonlChoice, learnShape } from "./jsonl_shape.ts";
import { LineSplitter } from "./lines.ts";

/** A line that cannot be a row. */
export interface MalformedJsonLine {
  /** Position of a line's first byte, counted from the first byte that was pushed. */
  readonly position: number;
  /** Lines from there to the malformed one. */
  readonly lines: number;
  readonly reason: string;
  /** Its first characters. */
  readonly text: string;
}

export interface JsonlParserOptions extends JsonlChoice {
  /** True at the beginning of a file, where a byte order mark is none of its data. */
  readonly isAtStart: boolean;
  /** False reads all lines in the general way: slower, and the same rows. */
  readonly isGenerated?: boolean;
  readonly onBatch: (batch: Batch) => void;
  readonly onRow: (row: unknown) => void;
  /** Called for each malformed line; throws, or lets it be skipped. */
  readonly onMalformed: (line: MalformedJsonLine) => void;
}

const NEWLINE = 10;
/** Lines that a shape is learnt of. */
const SAMPLE_LINES = 64;
/** A shape is learnt anew when so many lines in a row were read in the general way. */
const LEARN_AFTER = 32;
/** Lines that are read in the general way for each that is looked at to learn of it: more each time that it is in vain. */
const LEARN_SHARE = 1;
const MAX_LEARN_SHARE = 64;
const MAX_ODD_LINES = 16_384;
/** Plain lines that pay for an odd one: a row that does not fit cuts the batch, which costs much more. */
const PLAIN_FOR_FITTING = 4;
const PLAIN_FOR_CUT = 128;
const decoder = new TextDecoder();

export class JsonlParser {
  readonly #options: JsonlParserOptions;
  readonly #isGenerated: boolean;
  readonly #splitter: LineSplitter;
  #loop: JsonlLoop | undefined;
  /** Lines that are read in the general way before the loop is tried again: more the fewer it takes. */
  #oddLines = 1;
  /** Lines that are to be read in the general way before a shape is learnt again. */
  #untilLearn = 0;
  #learnShare = LEARN_SHARE;
  /** Lines that the loop took since then. */
  #plainLines = 0;
  /** Whether a row did not fit then. */
  #isCut = false;
  /** The beginning of a line that is not whole, in pieces. */
  #held: Uint8Array[] = [];
  /** Bytes of the lines that were read. */
  #position = 0;
  /** Where the lines begin that are read in the general way. */
  #runPosition = 0;
  #runBytes = 0;
  #runLines = 0;

  constructor(options: JsonlParserOptions) {
    this.#options = options;
    this.#isGenerated = options.isGenerated !== false && wantsGeneratedCode();
    const choice = {
      ...(options.columns === undefined ? {} : { columns: options.columns }),
      ...(options.wanted === undefined ? {} : { wanted: options.wanted }),
    };
    this.#splitter = new LineSplitter({
      onBatch: ({ column }) => {
        parseJsonLines(column, {
          ...choice,
          onRow: (row) => this.#giveRow(row),
          onMalformed: ({ line, reason, text }) => {
            const lines = this.#runLines + line;
            options.onMalformed({ position: this.#runPosition, lines, reason, text });
          },
        });
        this.#runLines += column.length;
      },
    });
    this.#splitter.beginFile(false);
  }

  push(piece: Uint8Array): void {
    const end = piece.lastIndexOf(NEWLINE) + 1;
    let from = 0;
    if (end > 0 && this.#held.length > 0) {
      // Only the line that spans two pieces is copied.
      from = piece.indexOf(NEWLINE) + 1;
      const line = joinBytes([...this.#held, piece.subarray(0, from)]);
      this.#held = [];
      this.#readLines(line);
    }
    if (from < end) this.#readLines(piece.subarray(from, end));
    if (end < piece.length) this.#held.push(piece.subarray(end));
  }

  /** Ends the file: what is held is its last line. */
  end(): void {
    if (this.#held.length > 0) {
      const line = joinBytes(this.#held);
      this.#held = [];
      this.#beginRun(0, line.length);
      this.#splitter.push(line.subarray(this.#markLength(line)));
      this.#splitter.endFile();
      this.#splitter.flush();
    }
    this.#flush();
  }

  /** Reads whole lines. */
  #readLines(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const limit = bytes.length;
    let at = this.#markLength(bytes);
    while (at < limit) {
      if (this.#mustLearn()) this.#learn(bytes, at);
      if (this.#loop === undefined) this.#countOdd();
      else at = this.#readPlain(this.#loop, bytes, view, at);
      if (at >= limit) break;
      const end = this.#isGenerated ? endOfLines(bytes, at, this.#oddLines) : limit;
      this.#beginRun(at, end - at);
      this.#splitter.push(bytes.subarray(at, end));
      this.#splitter.flush();
      this.#untilLearn -= this.#runLines;
      at = end;
    }
    this.#position += limit;
  }

  #markLength(bytes: Uint8Array): number {
    const isMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    return this.#position === 0 && this.#options.isAtStart && isMark ? 3 : 0;
  }

  #beginRun(at: number, sizeBytes: number): void {
    this.#runPosition = this.#position + at;
    this.#runBytes = sizeBytes;
    this.#runLines = 0;
  }

  #mustLearn(): boolean {
    if (!this.#isGenerated || this.#untilLearn > 0) return false;
    return this.#loop === undefined || this.#oddLines >= LEARN_AFTER;
  }

  /** Makes the loop for the lines that follow, unless it is the one that there is. */
  #learn(bytes: Uint8Array, at: number): void {
    const lines = decoder.decode(bytes.subarray(at, endOfLines(bytes, at, SAMPLE_LINES))).split("\n");
    this.#untilLearn = this.#learnShare * lines.length;
    this.#learnShare = Math.min(MAX_LEARN_SHARE, 2 * this.#learnShare);
    const shape = learnShape(lines.flatMap(parsedLine), this.#options);
    const loop = shape === undefined ? undefined : JsonlLoop.of(shape);
    if (loop === undefined || loop.key === this.#loop?.key) return;
    this.#flush();
    this.#loop = loop;
    this.#learnShare = LEARN_SHARE;
  }

  /** Has the loop read what it takes. */
  #readPlain(loop: JsonlLoop, bytes: Uint8Array, view: DataView, from: number): number {
    let at = from;
    do {
      if (loop.isFull) this.#flush();
      const before = loop.rows;
      at = loop.read(bytes, view, at, bytes.length);
      this.#plainLines += loop.rows - before;
    } while (loop.isFull);
    if (loop.isAtOdd) this.#countOdd();
    return at;
  }

  #countOdd(): void {
    const enough = this.#oddLines * (this.#isCut ? PLAIN_FOR_CUT : PLAIN_FOR_FITTING);
    this.#oddLines = this.#plainLines >= enough ? 1 : Math.min(MAX_ODD_LINES, this.#oddLines * 2);
    this.#plainLines = 0;
    this.#isCut = false;
  }

  #giveRow(row: unknown): void {
    // Many of them are not worth the columns.
    if (this.#loop !== undefined && this.#oddLines === 1 && this.#loop.write(row, this.#runBytes)) return;
    this.#isCut = true;
    this.#flush();
    this.#options.onRow(row);
  }

  #flush(): void {
    if (this.#loop !== undefined && this.#loop.rows > 0) this.#options.onBatch(this.#loop.take());
  }
}

/** Where the next `count` lines end. */
function endOfLines(bytes: Uint8Array, from: number, count: number): number {
  let at = from;
  for (let n = 0; n < count && at < bytes.length; n++) {
    const end = bytes.indexOf(NEWLINE, at) + 1;
    at = end === 0 ? bytes.length : end;
  }
  return at;
}

function parsedLine(line: string): unknown[] {
  try {
    return [JSON.parse(line)];
  } catch {
    return [];
  }
}
