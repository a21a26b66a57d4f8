import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { type Answer, AnswerReader } from "../../../net/runtime/http_answers.ts";
import { randomNumbers } from "../../simulation/random.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
const LONG = "x".repeat(5000);

/** What comes, and what is read of it: status, body. */
const ANSWERS: readonly (readonly [string, number, string])[] = [
  ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"],
  ["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, ""],
  ["HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", 204, ""],
  ["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201\r\ncontent-length: 2\r\n\r\n\r\n", 201, "\r\n"],
  [`HTTP/1.0 404 No\r\nCONTENT-LENGTH:  ${LONG.length} \r\n\r\n${LONG}`, 404, LONG],
  [
    "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5\r\nhello\r\n1;a=b\r\n!\r\n0\r\n\r\n",
    200,
    "hello!",
  ],
  ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 200, ""],
  [
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n0;z\r\nA: b\r\nC: d\r\n\r\n",
    200,
    "\r\n\r\n",
  ],
  [`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1388\r\n${LONG}\r\n0\r\n\r\n`, 200, LONG],
];

test("answers come whole, however they were cut on their way", () => {
  const random = randomNumbers(1);
  for (let round = 0; round < 200; round++) {
    const reader = new AnswerReader();
    const most = 1 + Math.floor(random() * 40);
    for (const [text, status, body] of ANSWERS) {
      const all = bytes(text);
      let answer: Answer | undefined;
      for (let at = 0; at < all.byteLength; ) {
        expect(answer).toBeUndefined();
        const end = Math.min(all.byteLength, at + 1 + Math.floor(random() * most));
        answer = reader.take(all.slice(at, end));
        at = end;
      }
      expect([answer?.status, Buffer.from(answer?.body ?? []).toString("latin1")]).toEqual([status, body]);
      expect(reader.end()).toBeUndefined();
    }
  }
});

test("an answer without a length ends with its connection, one that is cut short is none", () => {
  const reader = new AnswerReader();
  expect(reader.take(bytes("HTTP/1.1 413 Too Large\r\nConnection: close\r\n\r\nno"))).toBeUndefined();
  expect(reader.take(bytes("t here"))).toBeUndefined();
  const { status, headers, body } = reader.end() ?? {};
  expect([status, headers, Buffer.from(body ?? []).toString()]).toEqual([
    413,
    { connection: "close" },
    "not here",
  ]);
  const cut = new AnswerReader();
  expect(cut.take(bytes("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nno"))).toBeUndefined();
  expect(cut.end()).toBeUndefined();
});

test.each([
  ["another protocol", "SSH-2.0-OpenSSH\r\n"],
  ["TLS", "\x15\x03\x01"],
  ["another version", "HTTP/2 200\r\n\r\n"],
  ["a strange status", "HTTP/1.1 999 ?\r\n\r\n"],
  ["a length below 0", "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"],
  ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1, 1\r\n\r\n"],
  ["a header without a name", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n"],
  ["a chunk without a length", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"],
  ["two lengths in two headers", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nContent-Length: 2\r\n\r\nok"],
  ["a length beyond reason", "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n"],
  ["a chunk beyond reason", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\n"],
  [
    "a chunk of another length",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n",
  ],
  ["an encoding", "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n"],
  ["another protocol from now on", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
  ["more than one answer", "HTTP/1.1 204 OK\r\n\r\nmore"],
  ["a head without an end", `HTTP/1.1 200 OK\r\na: ${"x".repeat(70_000)}`],
])("what is no answer of HTTP/1.1 is refused: %s", (_, text) => {
  expect(() => new AnswerReader().take(bytes(text))).toThrow(
    expect.objectContaining({ code: "Malformed_HTTP_Response" }),
  );
});
