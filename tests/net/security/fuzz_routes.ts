/**
 * Sends random requests to every route of an app, whatever they are, and looks at the answers.
 */
import { heapStats } from "bun:jsc";
import { expect } from "bun:test";
import fc from "fast-check";
import type { Hono } from "hono";
import { decode } from "../../../net/cbor.ts";
import { PROTOCOL, PROTOCOL_HEADER } from "../../../net/protocol.ts";
import type { Handler } from "../../../net/runtime/runtime.ts";
import { bytesOf, changed, oddValue } from "./odd_values.ts";

/** A request that the app takes: `method`, path and body. */
export type Sample = readonly [method: string, path: string, body?: unknown];

interface Shot {
  readonly method: string;
  readonly path: string;
  readonly body: Uint8Array | undefined;
}

const SEED = Number(process.env.LUCIOLE_SEED ?? Math.trunc(Math.random() * 2 ** 31));
/** Of the app's own: a full disk is no crash. */
const KNOWN_500 = 507;
/** Some routes hold their answer until there is one. */
const HELD_MS = 20;
const WORDS = [
  "j1",
  "a1",
  "e0",
  "0",
  "1",
  "-1",
  "..",
  "%2e%2e%2f",
  "x".repeat(200),
  "%00",
  "__proto__",
  "1e9",
  "",
];

export interface FuzzOptions {
  readonly app: Hono;
  readonly fetch: Handler;
  readonly headers?: Readonly<Record<string, string>>;
  readonly samples: readonly Sample[];
  readonly runs: number;
  /** Makes the requests other ones than before. */
  readonly round?: number;
}

/** @throws {Error} With the request and its seed, when one is answered as no request should be. */
export async function fuzzRoutes(options: FuzzOptions): Promise<void> {
  const property = fc.asyncProperty(shots(options), async (shot) => {
    const response = await withinHeld(send(options, shot));
    if (response !== undefined) await checkAnswer(shot, response);
  });
  await fc.assert(property, { numRuns: options.runs, seed: SEED + (options.round ?? 0), endOnFailure: true });
}

async function send({ fetch, headers }: FuzzOptions, { method, path, body }: Shot): Promise<Response> {
  const init: RequestInit = { method, headers: { [PROTOCOL_HEADER]: String(PROTOCOL), ...headers } };
  if (body !== undefined && method !== "GET") init.body = body as Uint8Array<ArrayBuffer>;
  return await fetch(new Request(`http://localhost${path}`, init), () => {});
}

/** Undefined when it takes longer. */
async function withinHeld(answer: Promise<Response>): Promise<Response | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, HELD_MS);
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function checkAnswer({ method, path, body }: Shot, response: Response): Promise<void> {
  const isStream = response.headers.get("content-type") === "application/cbor-seq";
  if (isStream) return await response.body?.cancel();
  const bytes = new Uint8Array(await response.arrayBuffer());
  const answer = bytes.length === 0 ? undefined : decode(bytes);
  const { status } = response;
  if (status < 500 || status === KNOWN_500) return;
  const sent = body === undefined ? "" : Buffer.from(body).toString("hex").slice(0, 2000);
  throw new Error(`${status} on ${method} ${path} (seed ${SEED}) ${JSON.stringify(answer)} of ${sent}`);
}

/** Every route, with the words of samples and odd ones in its path and query. */
function shots({ app, samples }: FuzzOptions): fc.Arbitrary<Shot> {
  const routes = app.routes.filter(({ method }) => method !== "ALL");
  expect(routes.length).toBeGreaterThan(0);
  const words = fc.oneof(fc.constantFrom(...WORDS), fc.webPath({ size: "xsmall" }));
  const random = fc
    .tuple(fc.constantFrom(...routes), fc.array(words, { minLength: 4, maxLength: 4 }), bytesOf(oddValue))
    .map(([{ method, path }, fillers, body]) => {
      let next = 0;
      const filled = path.replace(/:\w+/g, () => fillers[next++ % 4]);
      return { method, path: `${filled}?job=${fillers[3]}&from=${fillers[2]}&after=${fillers[1]}`, body };
    });
  const near = fc
    .constantFrom(...samples)
    .chain(([method, path, body]) =>
      bytesOf(body === undefined ? oddValue : changed(body)).map((bytes) => ({ method, path, body: bytes })),
    );
  return samples.length === 0 ? random : fc.oneof(random, near);
}

/** Bytes in use when all that nobody refers to is gone. */
export function usedBytes(): number {
  Bun.gc(true);
  Bun.gc(true);
  return heapStats().heapSize;
}
