/**
 * Reaches an agent or a master by TCP; tells a broken connection from an answer.
 *
 * Knows addresses, certificates and what shows who asks; nothing of what is asked.
 */
import { AuthError, LucioleError } from "../core/errors.ts";
import {
  type ConnectionFailure,
  connectionFailure,
  FAILURE_TEXTS,
  systemCode,
} from "./connection_failure.ts";
import type { Transport } from "./protocol.ts";
import type { ClientTls, Runtime } from "./runtime/runtime.ts";
import type { Credentials } from "./security/client_auth.ts";

export interface TcpTarget {
  /** "host:port"; IPv6 addresses in brackets. */
  readonly address: string;
  /** Who is there, for messages: `agent a1`. */
  readonly name: string;
  /** Shown with every request; nothing is shown without. */
  readonly credentials?: Credentials;
  /** Plain HTTP without. */
  readonly tls?: ClientTls;
}

/** Code of errors that say nothing of what the other side did: it may have got the request, or not. */
export const UNREACHABLE = "unreachable";

/** Throws a LucioleError of code "unreachable", or an AuthError when certificates are the cause. */
export function tcpTransport(runtime: Runtime, { address, name, credentials, tls }: TcpTarget): Transport {
  let hasAnswered = false;
  return {
    async fetch(path, init = {}) {
      const headers = new Headers(init.headers);
      for (const [key, value] of Object.entries(credentials?.headers() ?? {})) headers.set(key, value);
      try {
        const answer = await runtime.fetchTcp(address, path, { ...init, headers }, tls);
        hasAnswered = true;
        return answer;
      } catch (cause) {
        if (init.signal?.aborted) throw cause;
        const where = `Cannot reach ${name} at ${address}`;
        const code = systemCode(cause);
        const failure = connectionFailure(code);
        const tlsReason = TLS_REASONS[code];
        if (tlsReason !== undefined) {
          throw new AuthError(`${where}: ${tlsReason}`, { cause, fields: { address, reason: code } });
        }
        const isNew = tls === undefined && !hasAnswered;
        throw new LucioleError(UNREACHABLE, `${where}: ${reasonOf(cause, code, failure, isNew)}`, {
          retryable: true,
          fields: { address, isRefused: failure === "refused" },
          cause,
        });
      }
    },
  };
}

const UNTRUSTED = "its certificate is of an authority that is not trusted here";
const TLS_REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name or address",
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  CERT_SIGNATURE_FAILURE: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  INVALID_PURPOSE: "its certificate is one for dialling others, and not for serving",
  EPROTO: "no TLS connection comes about: it serves no TLS, or refuses the certificate of this machine",
};

function reasonOf(cause: unknown, code: string, failure: ConnectionFailure, mayBeTls: boolean): string {
  if (code === "Malformed_HTTP_Response") return "what listens there speaks no HTTP";
  if (code === "ECONNRESET") {
    return `it closed the connection before it answered${mayBeTls ? "; if it serves TLS, name its authority with --tls-ca" : ""}`;
  }
  return FAILURE_TEXTS[failure] ?? (cause instanceof Error ? cause.message : String(cause));
}
