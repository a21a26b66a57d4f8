/**
 * Who may send requests over the network: the middleware of masters and agents, and a guard around an app.
 *
 * With a secret every route needs a token; without one only this machine reaches the listener, and
 * only a page of another name in a browser has to be kept out. Workers' own sockets need none of it.
 */
import { Hono, type MiddlewareHandler } from "hono";
import { AuthError, ProtocolError } from "../../core/errors.ts";
import { isLoopback } from "../../core/security/bind.ts";
import { type TokenUse, type TokenVerdict, verifyToken } from "../../core/security/token.ts";
import { readBytes, readToEnd } from "../fields.ts";
import { CBOR_SEQUENCE, ID_PATTERN, PROTOCOL, PROTOCOL_HEADER, REQUEST_HEADER } from "../protocol.ts";
import { failure } from "../replies.ts";
import { failedRequest, type OnFailure, requestId } from "../request_id.ts";
import type { Handler } from "../runtime/runtime.ts";
import type { ClusterSecret } from "./cluster_secret.ts";

export interface GuardOptions {
  /** Undefined where none is set; then `checkBind` has allowed the address. */
  readonly secret?: ClusterSecret;
  /** Whether the user has asked for no protection on an address that others reach. */
  readonly isInsecure?: boolean;
  readonly clock?: () => number;
  readonly onFailure?: OnFailure;
}

interface Guarded {
  readonly fetch: (request: Request) => Response | Promise<Response>;
}

/** For Runtime.serve: an app behind `authenticate`, whose answers all say that they are Luciole's. */
export function guarded(app: Guarded, options: GuardOptions): Handler {
  const outer = new Hono<{ Bindings: { readonly hold: (isHeld: boolean) => void } }>();
  outer.use(authenticate(options));
  outer.all("*", async (context) => {
    const request = await received(context.req.raw);
    // From here on an answer may be held for as long as there is nothing to tell.
    context.env.hold(true);
    const response = await app.fetch(request);
    if (response.headers.get("content-type") === CBOR_SEQUENCE) return released(response, context.env.hold);
    context.env.hold(false);
    return response;
  });
  outer.onError((error, { req }) => failedRequest(req.raw, error, { onFailure: options.onFailure }));
  return async (request, hold) => {
    const response = isPlain(request.url) ? await outer.fetch(request, { hold }) : failure(notPlain());
    response.headers.set(PROTOCOL_HEADER, String(PROTOCOL));
    const id = requestId(request);
    if (id !== undefined) response.headers.set(REQUEST_HEADER, id);
    return response;
  };
}

/** Only so do all readers of it see the same path: a host of odd letters leaves one with it, and one without. */
function isPlain(url: string): boolean {
  return URL.parse(url)?.href === url;
}

function notPlain(): ProtocolError {
  return new ProtocolError("Cannot take the request: its host or path is malformed");
}

/** The request with all of its body here: who sends one and stops in its midst must not be waited for. */
async function received(request: Request): Promise<Request> {
  if (request.body === null) return request;
  const { url, method, headers, signal } = request;
  const isTold = headers.get("content-length") !== null;
  const body = isTold ? await readBytes(request) : await readToEnd(request.body);
  return new Request(url, { method, headers, signal, body: body as Uint8Array<ArrayBuffer> });
}

/** A connection is kept for further requests, and what held it for a stream would hold it for ever. */
function released(response: Response, hold: (isHeld: boolean) => void): Response {
  if (response.body === null) return response;
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        hold(false);
        controller.close();
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return new Response(body, response);
}

/** Refuses with 401 and an AuthError whose field `reason` is stable. */
export function authenticate(options: GuardOptions): MiddlewareHandler {
  const { secret, isInsecure, clock = Date.now, onFailure } = options;
  return async ({ req }, next) => {
    let refusal: AuthError | undefined;
    if (secret !== undefined) refusal = badToken(secret, req.header("authorization"), req.path, clock());
    else if (isInsecure !== true) refusal = strangeHost(req.header("host"));
    return refusal === undefined ? await next() : failedRequest(req.raw, refusal, { status: 401, onFailure });
  };
}

/**
 * What workers read of other agents. Nothing else is open to a token of a job: with the start of one, a
 * token that outlived its job would start programs. As the router reads it: what is no id is no job.
 */
const SHARDS_OF_JOB = /^\/v1\/jobs\/([^/]+)\/(?:shards\/|(?:pieces|mail)$)/;
const LEASE_OF_JOB = /^\/v1\/jobs\/([^/]+)\/lease$/;
/** What drivers do with a job, and without any. */
const OF_JOB = /^\/v1\/jobs\/([^/]+)(?:\/|$)/;
const OF_DRIVERS = /^\/v1\/(?:placements$|agent$|programs(?:\/|$))/;

/** What a request is for, as far as tokens of less than the whole cluster may allow it. */
function useOf(path: string, now: number): TokenUse {
  const shards = SHARDS_OF_JOB.exec(path)?.[1];
  const job = OF_JOB.exec(path)?.[1];
  const leased = LEASE_OF_JOB.exec(path)?.[1];
  return {
    now,
    ...(shards !== undefined && ID_PATTERN.test(shards) ? { job: shards } : {}),
    ...(leased !== undefined && ID_PATTERN.test(leased) ? { leased } : {}),
    ...(OF_DRIVERS.test(path) ? { driving: {} } : {}),
    ...(job !== undefined && ID_PATTERN.test(job) ? { driving: { job } } : {}),
  };
}

function badToken(
  secret: ClusterSecret,
  authorization: string | undefined,
  path: string,
  now: number,
): AuthError | undefined {
  const token = /^Bearer ([\w.-]+)$/i.exec(authorization ?? "")?.[1];
  if (token === undefined) {
    const seen = authorization === undefined ? "it has no token" : "its authorization is no bearer token";
    return refused(
      authorization === undefined ? "missing" : "malformed",
      `${seen}, and this cluster has a secret`,
    );
  }
  const verdict = verifyToken(secret, token, useOf(path, now));
  return verdict.kind === "valid" ? undefined : refused(verdict.kind, reasonText(verdict), now);
}

type Refusal = Exclude<TokenVerdict, { readonly kind: "valid" }>;

function reasonText(verdict: Refusal): string {
  switch (verdict.kind) {
    case "malformed":
      return "its token is malformed";
    case "signature":
      return "its token was signed with another secret";
    case "expired":
      return `its token expired ${seconds(verdict.sinceMs)} ago by this machine's clock`;
    case "notYetValid":
      return `its token is valid only in ${seconds(verdict.inMs)} by this machine's clock`;
    case "otherJob":
      return "its token is of a job, and not good for this route";
  }
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`;
}

/** A page in a browser may give its own name the address of this machine, and send what it likes. */
function strangeHost(host: string | undefined): AuthError | undefined {
  const name = host?.replace(/:\d*$/, "");
  if (name === undefined || isLoopback(name)) return undefined;
  return refused("host", "it is for another host than this one, which listens for itself only");
}

function refused(reason: "missing" | "host" | Refusal["kind"], why: string, now?: number): AuthError {
  const fields = { reason, ...(now === undefined ? {} : { now }) };
  return new AuthError(`Cannot take the request: ${why}`, { fields });
}
