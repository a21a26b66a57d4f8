/**
 * Why a connection did not come about, or broke: one name for what systems and runtimes call differently.
 */

export type ConnectionFailure = "refused" | "host" | "route" | "broken" | "failed";

const CODES: Readonly<Record<string, ConnectionFailure>> = {
  ConnectionRefused: "refused",
  ECONNREFUSED: "refused",
  ENOTFOUND: "host",
  EAI_AGAIN: "host",
  DNSException: "host",
  ERR_DNS: "host",
  EHOSTUNREACH: "route",
  ENETUNREACH: "route",
  FailedToOpenSocket: "route",
};
/** Whoever is there speaks no HTTP, or closes at once. */
const BROKEN = /HTTP|ECONNRESET|ConnectionClosed|EPIPE|SocketClosed/i;

/** What follows an address and a colon; missing where only the one who asks can say it. */
export const FAILURE_TEXTS: Readonly<Partial<Record<ConnectionFailure, string>>> = {
  refused: "nothing listens there",
  host: "there is no host of that name",
  route: "no way leads to that host",
};

export function connectionFailure(code: string): ConnectionFailure {
  return CODES[code] ?? (BROKEN.test(code) ? "broken" : "failed");
}

/** Of the innermost cause that has one; empty without. */
export function systemCode(error: unknown): string {
  if (!(error instanceof Error)) return "";
  const inner = systemCode(error.cause);
  return inner === "" && "code" in error ? String(error.code) : inner;
}
