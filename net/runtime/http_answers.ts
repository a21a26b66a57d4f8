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
  /** Its connection takes no other request. */
  readonly isLast: boolean;
}

const MAX_HEAD_BYTES = 64 * 1024;
/** As much as servers take. Who sends more is none of ours. */
const MAX_BODY_BYTES = 1 << 30;
const NOTHING = new Uint8Array(0);
const END_OF_HEAD = Buffer.from("\r\n\r\n");
const END_OF_LINE = Buffer.from("\r\n");
const STATUS = /^HTTP\/1\.[01] ([1-5]\d\d)(?: |$)/;
const KEPT = /(?:^|,)\s*keep-alive\s*(?:,|$)/i;
const CLOSED = /(?:^|,)\s*close\s*(?:,|$)/i;
const CHUNK = /^([0-9a-f]{1,8})(?:[ \t]*;.*)?$/i;

interface Head {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Bytes of the body, Infinity when it ends with its connection; undefined when it comes in chunks. */
  readonly length: number | undefined;
  readonly isLast: boolean;
}

export class AnswerReader {
  /** What has come of the answer and is not read. */
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #head: Head | undefined;
  /** From where on a delimiter is looked for. */
  #searched = 0;
  readonly #chunks: Uint8Array[] = [];
  #chunkBytes = 0;
  /** The last chunk is read; lines that nobody needs may follow. */
  #isTrailing = false;
  /** Of bytes before there is anything to do. */
  #needed = 0;

  /** Takes a piece; returns the answer when it is whole. @throws {Error} code "Malformed_HTTP_Response". */
  take(piece: Uint8Array): Answer | undefined {
    this.#pieces.push(piece);
    this.#bytes += piece.byteLength;
    if (this.#bytes > MAX_BODY_BYTES + MAX_HEAD_BYTES) throw malformed("it is too long");
    if (this.#bytes < this.#needed) return undefined;
    this.#head ??= this.#readHead();
    if (this.#head === undefined) return undefined;
    const body = this.#head.length === undefined ? this.#readChunks() : this.#read(this.#head.length);
    if (body === undefined) return undefined;
    if (this.#bytes > 0) throw malformed("more comes than was asked for");
    const { status, headers, isLast } = this.#head;
    this.#head = undefined;
    return { status, headers, body, isLast };
  }

  /**
   * The connection has ended. @returns The answer that ends with it, if there is one.
   *
   * @param isBroken Something may be missing: of a refusal that does not matter.
   */
  end(isBroken = false): Answer | undefined {
    if (this.#head?.length !== Number.POSITIVE_INFINITY) return undefined;
    const { status, headers } = this.#head;
    if (isBroken && status < 400) return undefined;
    return { status, headers, body: joinBytes(this.#pieces), isLast: true };
  }

  #readHead(): Head | undefined {
    for (;;) {
      const bytes = this.#readTo(END_OF_HEAD, MAX_HEAD_BYTES);
      if (bytes === undefined) return undefined;
      const head = parseHead(
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1"),
      );
      if (head.status === 101) throw malformed("it changes to another protocol");
      // What is said before the answer.
      if (head.status >= 200) return head;
    }
  }

  #readChunks(): Uint8Array | undefined {
    while (!this.#isTrailing) {
      const line = this.#peekTo(END_OF_LINE, MAX_HEAD_BYTES);
      if (line === undefined) return undefined;
      const size = CHUNK.exec(Buffer.from(line).toString("latin1"))?.[1];
      if (size === undefined) throw malformed("a chunk has no length");
      const length = Number.parseInt(size, 16);
      this.#chunkBytes += length;
      if (this.#chunkBytes > MAX_BODY_BYTES) throw malformed("it is too long");
      const headBytes = line.byteLength + END_OF_LINE.byteLength;
      const end = headBytes + length;
      const chunk = this.#read(length === 0 ? headBytes : end + END_OF_LINE.byteLength);
      if (chunk === undefined) {
        this.#chunkBytes -= length;
        return undefined;
      }
      this.#searched = 0;
      this.#isTrailing = length === 0;
      if (!this.#isTrailing && !END_OF_LINE.equals(chunk.subarray(end))) {
        throw malformed("a chunk has another length");
      }
      this.#chunks.push(chunk.subarray(headBytes, end));
    }
    return this.#readTrailer();
  }

  #readTrailer(): Uint8Array | undefined {
    for (;;) {
      const line = this.#readTo(END_OF_LINE, MAX_HEAD_BYTES);
      if (line === undefined) return undefined;
      if (line.byteLength > 0) continue;
      this.#isTrailing = false;
      this.#chunkBytes = 0;
      return joinBytes(this.#chunks.splice(0));
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
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  const length = lengthOf(status, headers);
  const isKept = KEPT.test(headers.connection ?? "");
  const isLast = CLOSED.test(headers.connection ?? "") || (text.startsWith("HTTP/1.0") && !isKept);
  return { status, headers, length, isLast };
}

function lengthOf(status: number, headers: Readonly<Record<string, string>>): number | undefined {
  if (status < 200 || status === 204 || status === 304) return 0;
  const encoding = headers["transfer-encoding"];
  if (encoding?.toLowerCase() === "chunked") return undefined;
  if (encoding !== undefined) throw malformed("its body is encoded in another way");
  const text = headers["content-length"];
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (!/^\d{1,12}$/.test(text)) throw malformed("its length is no number");
  if (Number(text) > MAX_BODY_BYTES) throw malformed("it is too long");
  return Number(text);
}

function malformed(how: string): Error {
  return Object.assign(new Error(`The answer is malformed: ${how}`), { code: "Malformed_HTTP_Response" });
}
