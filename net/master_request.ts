/**
 * One request to a master, and what can be wrong with whoever is at its address.
 *
 * Used by drivers and agents. Knows the answers' forms only, not what is asked.
 */
import { AuthError, fromWireError, LucioleError, ProtocolError, type WireError } from "../core/errors.ts";
import { joinBytes } from "../core/format/join_bytes.ts";
import { decode, encode } from "./cbor.ts";
import { connectionFailure, FAILURE_TEXTS, systemCode } from "./connection_failure.ts";
import { CBOR, PROTOCOL, PROTOCOL_HEADER, REQUEST_HEADER, type Transport } from "./protocol.ts";

/** A master, as the command line names it. */
export interface MasterLink {
  /** "host:port". */
  readonly address: string;
  readonly transport: Transport;
}

export interface MasterRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  /** Names it in the logs of both sides. */
  readonly id: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Why a master is of no use here; another one may be. */
export interface LinkFailure {
  readonly code: "unreachable" | "foreign" | "protocol" | "auth";
  /** Stable: "refused", "timeout", "no-luciole", "version", "signature", "expired" and so on. */
  readonly reason: string;
  readonly address: string;
  /** For people, without the address. */
  readonly why: string;
  readonly cause?: unknown;
}

export type MasterAnswer =
  | { readonly kind: "answer"; readonly value: unknown }
  | { readonly kind: "failure"; readonly failure: LinkFailure };

const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** @throws {LucioleError} What the master itself says of the request; whatever aborted the signal. */
export async function askMaster(link: MasterLink, request: MasterRequest): Promise<MasterAnswer> {
  const { signal, timeoutMs } = request;
  const timeout = AbortSignal.timeout(timeoutMs);
  const both = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  let response: Response;
  let bytes: Uint8Array;
  try {
    response = await link.transport.fetch(request.path, initOf(request, both));
    const version = response.headers.get(PROTOCOL_HEADER);
    if (version !== String(PROTOCOL)) {
      response.body?.cancel().catch(() => undefined);
      return failed(link, version === null ? foreign(response.status) : otherVersion(version));
    }
    bytes = await readAnswer(response);
  } catch (cause) {
    signal?.throwIfAborted();
    return failed(link, timeout.aborted ? silent(timeoutMs) : unreachable(link.address, cause));
  }
  if (response.ok) return { kind: "answer", value: bytes.byteLength === 0 ? undefined : decode(bytes) };
  const wire = wireError(bytes, response.status);
  const trouble = refusal(wire, response.status);
  if (trouble !== undefined) return failed(link, trouble);
  throw fromWireError(wire);
}

/** The failures of one master or several as one error, of the first one's code. */
export function linkError(failures: readonly LinkFailure[]): LucioleError {
  const [first] = failures;
  if (first === undefined) return new LucioleError("usage", "Cannot reach a master: none is named");
  const { address, code, reason, cause } = first;
  const message =
    failures.length === 1
      ? `Cannot use the master at ${address}: ${first.why}`
      : `Cannot use any of ${failures.length} masters: ${failures.map((one) => `at ${one.address} ${one.why}`).join("; ")}`;
  const options = { fields: { address, reason }, cause };
  if (code === "auth") return new AuthError(message, options);
  if (code === "protocol") return new ProtocolError(message, options);
  return new LucioleError(code, message, { ...options, retryable: code === "unreachable" });
}

type Trouble = Omit<LinkFailure, "address">;

function failed({ address }: MasterLink, trouble: Trouble): MasterAnswer {
  return { kind: "failure", failure: { address, ...trouble } };
}

function initOf({ method, body, id }: MasterRequest, signal: AbortSignal): RequestInit {
  const headers = { [PROTOCOL_HEADER]: String(PROTOCOL), [REQUEST_HEADER]: id, "content-type": CBOR };
  const init: RequestInit = { method, headers, signal, redirect: "manual" };
  if (body !== undefined) init.body = encode(body) as Uint8Array<ArrayBuffer>;
  return init;
}

async function readAnswer({ body }: Response): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body ?? []) {
    pieces.push(piece);
    size += piece.byteLength;
    if (size > MAX_ANSWER_BYTES)
      throw new ProtocolError(`Cannot read an answer of more than ${MAX_ANSWER_BYTES} bytes`);
  }
  return joinBytes(pieces);
}

function wireError(bytes: Uint8Array, status: number): WireError {
  try {
    const error = decode(bytes) as WireError;
    if (
      typeof error.code === "string" &&
      typeof error.message === "string" &&
      error.fields instanceof Object
    ) {
      return error;
    }
  } catch {
    // No CBOR, or no map: as any other that tells no error.
  }
  const message = `Cannot use a master's answer: it has status ${status} and tells no error`;
  return { name: "ProtocolError", code: "protocol", message, retryable: false, fields: {} };
}

/** What of an error is about the two sides, and not about the request. */
function refusal({ code, message, fields }: WireError, status: number): Trouble | undefined {
  if (status === 401) return unauthorised(fields.reason, fields.now, message);
  if (status === 404 && fields.role === "agent") {
    return { code: "foreign", reason: "agent", why: "an agent listens there, and not a master" };
  }
  return code === "protocol" && status === 426 ? otherVersion(String(fields.protocol)) : undefined;
}

function otherVersion(theirs: string): Trouble {
  const version = theirs.slice(0, 20);
  const why = `it speaks protocol ${version}, this program ${PROTOCOL}; use the same version of luciole for both`;
  return { code: "protocol", reason: "version", why };
}

function foreign(status: number): Trouble {
  const why = `something else than luciole listens there (it answered with status ${status})`;
  return { code: "foreign", reason: "no-luciole", why };
}

function silent(timeoutMs: number): Trouble {
  return { code: "unreachable", reason: "timeout", why: `nothing answered within ${timeoutMs} ms` };
}

function unauthorised(reason: unknown, now: unknown, message: string): Trouble {
  switch (reason) {
    case "missing":
      return {
        code: "auth",
        reason,
        why: "the cluster has a secret, and this program none: name its file with --token-file",
      };
    case "signature":
      return { code: "auth", reason, why: "the cluster has another secret than this program" };
    case "expired":
    case "notYetValid":
      return { code: "auth", reason, why: clocks(now) };
    default:
      return { code: "auth", reason: typeof reason === "string" ? reason : "refused", why: message };
  }
}

function clocks(theirs: unknown): string {
  const own = Date.now();
  if (typeof theirs !== "number") return "its clock and the one of this machine differ";
  const seconds = Math.round(Math.abs(own - theirs) / 1000);
  const when = theirs < own ? "behind" : "before";
  return `its clock is ${seconds} s ${when} the one of this machine: set both right`;
}

function unreachable(address: string, cause: unknown): Trouble {
  const said = cause instanceof Error ? reasonIn(cause, address) : String(cause);
  if (cause instanceof AuthError) return { code: "auth", reason: "certificate", why: said, cause };
  const reason = connectionFailure(systemCode(cause));
  const broken = "the connection breaks: something else than luciole listens there, or it speaks TLS";
  const why = reason === "broken" ? broken : (FAILURE_TEXTS[reason] ?? said);
  return { code: "unreachable", reason, why, cause };
}

/** "Cannot reach the master at ADDRESS: why" → "why". */
function reasonIn({ message }: Error, address: string): string {
  const where = `${address}: `;
  const at = message.indexOf(where);
  return at < 0 ? message : message.slice(at + where.length);
}
