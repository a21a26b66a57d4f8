/**
 * Puts the answers of HTTP/1.1 together that come off a connection in pieces, cut anywhere.
 *
 * Answers are given when they are whole: one that goes on for ever is for `fetch`. It knows no socket.
 */
import { Buffer } from "node:buffer";
import { joinBytes } from "../../core/format/join_bytes.ts";

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const MAX_HEAD_BYTES = 64 * 1024;
const NOTHING = new Uint8Array(0);
const END_OF_HEAD = Buffer.from("\r\n\r\n");
const END_OF_LINE = Buffer.from("\r\n");
const STATUS = /^HTTP\/1\.[01] ([1-5]\d\d)(?: |$)/;
const CHUNK = /^([0-9a-f]{1,8})(?:[ \t]*;.*)?$/i;

interface Head {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Bytes of the body, Infinity when it ends with its connection; undefined when it comes in chunks. */
  readonly length: number | undefined;
}

export class AnswerReader {
  /** What has come of the answer and is not read. */
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #head: Head | undefined;
  /** From where on a delimiter is looked for. */
  #searched = 0;
  readonly #chunks: Uint8Array[] = [];
  /** Of bytes before there is anything to do. */
  #needed = 0;

  /** Takes a piece; returns the answer when it is whole. @throws {Error} code "Malformed_HTTP_Response". */
  take(piece: Uint8Array): Answer | undefined {
    this.#pieces.push(piece);
    this.#bytes += piece.byteLength;
    if (this.#bytes < this.#needed) return undefined;
    this.#head ??= this.#readHead();
    if (this.#head === undefined) return undefined;
    const body = this.#head.length === undefined ? this.#readChunks() : this.#read(this.#head.length);
    if (body === undefined) return undefined;
    if (this.#bytes > 0) throw malformed("more comes than was asked for");
    const { status, headers } = this.#head;
    this.#head = undefined;
    return { status, headers, body };
  }

  /** The connection has ended. @returns The answer that ends with it, if there is one. */
  end(): Answer | undefined {
    if (this.#head?.length !== Number.POSITIVE_INFINITY) return undefined;
    const { status, headers } = this.#head;
    return { status, headers, body: joinBytes(this.#pieces) };
  }

  #readHead(): Head | undefined {
    for (;;) {
      const bytes = this.#readTo(END_OF_HEAD, MAX_HEAD_BYTES);
      if (bytes === undefined) return undefined;
      const head = parseHead(
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1"),
      );
      // What is said before the answer.
      if (head.status >= 200) return head;
    }
  }

  #readChunks(): Uint8Array | undefined {
    for (;;) {
      const line = this.#peekTo(END_OF_LINE, MAX_HEAD_BYTES);
      if (line === undefined) return undefined;
      const size = CHUNK.exec(Buffer.from(line).toString("latin1"))?.[1];
      if (size === undefined) throw malformed("a chunk has no length");
      const length = Number.parseInt(size, 16);
      const headBytes = line.byteLength + END_OF_LINE.byteLength;
      const chunk = this.#read(headBytes + length + END_OF_LINE.byteLength);
      if (chunk === undefined) return undefined;
      this.#searched = 0;
      if (length === 0) return joinBytes(this.#chunks.splice(0));
      this.#chunks.push(chunk.subarray(headBytes, headBytes + length));
    }
  }

  /** What comes before a delimiter, which is read, too. */
  #readTo(delimiter: Buffer, maxBytes: number): Uint8Array | undefined {
    const found = this.#peekTo(delimiter, maxBytes);
    if (found === undefined) return undefined;
    this.#searched = 0;
    return this.#read(found.byteLength + delimiter.byteLength)?.subarray(0, found.byteLength);
  }

  #peekTo(delimiter: Buffer, maxBytes: number): Uint8Array | undefined {
    const bytes = this.#joined();
    const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(
      delimiter,
      this.#searched,
    );
    if (at >= 0) return bytes.subarray(0, at);
    if (bytes.byteLength > maxBytes) throw malformed("its head is too long");
    if (!startsAsHttp(bytes, this.#head)) throw malformed("it begins otherwise");
    this.#searched = Math.max(0, bytes.byteLength - delimiter.byteLength);
    return undefined;
  }

  #read(length: number): Uint8Array | undefined {
    this.#needed = length;
    if (this.#bytes < length) return undefined;
    this.#needed = 0;
    if (length === 0) return NOTHING;
    const bytes = this.#joined();
    const rest = bytes.subarray(length);
    this.#pieces = rest.byteLength === 0 ? [] : [rest];
    this.#bytes = rest.byteLength;
    return bytes.subarray(0, length);
  }

  #joined(): Uint8Array {
    if (this.#pieces.length !== 1) this.#pieces = [joinBytes(this.#pieces)];
    return this.#pieces[0];
  }
}

/** Who speaks no HTTP may never come to the end of a head. */
function startsAsHttp(bytes: Uint8Array, head: Head | undefined): boolean {
  if (head !== undefined) return true;
  const start = "HTTP/1.";
  for (let i = 0; i < Math.min(start.length, bytes.byteLength); i++) {
    if (bytes[i] !== start.charCodeAt(i)) return false;
  }
  return true;
}

function parseHead(text: string): Head {
  const lines = text.split("\r\n");
  const status = Number(STATUS.exec(lines[0])?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) throw malformed("its first line is none of HTTP/1.1");
  const headers: Record<string, string> = {};
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i];
    const colon = line.indexOf(":");
    if (colon <= 0) throw malformed("a header has no name");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status, headers, length: lengthOf(status, headers) };
}

function lengthOf(status: number, headers: Readonly<Record<string, string>>): number | undefined {
  if (status < 200 || status === 204 || status === 304) return 0;
  if (headers["transfer-encoding"]?.toLowerCase() === "chunked") return undefined;
  const text = headers["content-length"];
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (!/^\d{1,12}$/.test(text)) throw malformed("its length is no number");
  return Number(text);
}

function malformed(how: string): Error {
  return Object.assign(new Error(`The answer is malformed: ${how}`), { code: "Malformed_HTTP_Response" });
}
