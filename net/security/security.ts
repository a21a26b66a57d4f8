/**
 * What a process of a cluster has to show who it is and to know others, from the files that its user names.
 *
 * Reads the files, and opens guarded ports; which flags name the files is not known here.
 */
import { LucioleError } from "../../core/errors.ts";
import { checkBind, isLoopback } from "../../core/security/bind.ts";
import type { OnFailure } from "../request_id.ts";
import type { RunningServer, Runtime } from "../runtime/runtime.ts";
import { guarded } from "./authenticate.ts";
import { type Credentials, secretCredentials } from "./client_auth.ts";
import type { ClusterSecret } from "./cluster_secret.ts";
import { readSecret } from "./secret_file.ts";
import { type TlsFiles, type TlsOptions, tlsOptions } from "./tls.ts";

export interface SecurityFiles {
  readonly tokenFile?: string;
  readonly tls?: TlsFiles;
  /** Whether the user has asked for no protection at all. */
  readonly isInsecure?: boolean;
}

export interface Security {
  readonly secret?: ClusterSecret;
  /** For `tcpTransport`, of which `tls.client` is for too. */
  readonly credentials?: Credentials;
  readonly tls?: TlsOptions;
  readonly isInsecure: boolean;
}

/** @throws {LucioleError} code "usage" when a file is missing or of no use. */
export async function readSecurity(files: SecurityFiles, now = Date.now()): Promise<Security> {
  const secret = files.tokenFile === undefined ? undefined : await readSecret(files.tokenFile);
  const tls = await tlsOptions(files.tls ?? {}, now);
  return {
    isInsecure: files.isInsecure ?? false,
    ...(secret && { secret, credentials: secretCredentials(secret) }),
    ...(tls && { tls }),
  };
}

export interface GuardedServerOptions {
  readonly runtime: Runtime;
  readonly listen: { readonly hostname: string; readonly port: number };
  readonly app: { readonly fetch: (request: Request) => Response | Promise<Response> };
  readonly security: Security;
  /** Told what the user should know of the address, if anything. */
  readonly onWarning: (text: string) => void;
  /** Told of requests that are refused before the app sees them. */
  readonly onFailure?: OnFailure;
}

const LISTEN_REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process listens there already; --port chooses another",
  EADDRNOTAVAIL: "this machine has no such address",
  EACCES: "permission denied",
};

/** Serves an app to those who may use it. @throws {LucioleError} code "usage" or "address". */
export async function serveGuarded(options: GuardedServerOptions): Promise<RunningServer> {
  const { runtime, listen, app, security, onWarning, onFailure } = options;
  const warning = checkBind(listen.hostname, security);
  if (warning !== undefined) onWarning(warning);
  const { tls } = security;
  if (tls !== undefined && tls.server === undefined) {
    throw new LucioleError("usage", "Cannot serve TLS: there is an authority, and no certificate and key");
  }
  if (warning === undefined && tls === undefined && !isLoopback(listen.hostname)) {
    onWarning(`Listening on ${listen.hostname} without TLS: whoever reads the network reads data and tokens`);
  }
  try {
    return await runtime.serve({
      listen,
      fetch: guarded(app, { ...security, ...(onFailure && { onFailure }) }),
      ...(tls?.server && { tls: tls.server }),
    });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    const reason = LISTEN_REASONS[code] ?? (cause instanceof Error ? cause.message : String(cause));
    const where = `${listen.hostname}:${listen.port}`;
    throw new LucioleError("address", `Cannot listen on ${where}: ${reason}`, { cause });
  }
}
