/**
 * Gives errors of Deno's fetch the codes that other runtimes have.
 *
 * Deno tells what went wrong in the text of the cause only.
 */

const CODES: readonly (readonly [RegExp, string])[] = [
  [/Connection refused|ConnectionRefused|os error 111/, "ECONNREFUSED"],
  [/dns error/, "ENOTFOUND"],
  [/UnknownIssuer/, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
  [/not valid yet|NotValidYet/i, "CERT_NOT_YET_VALID"],
  [/certificate: (certificate )?expired/i, "CERT_HAS_EXPIRED"],
  [/not valid for name|NotValidForName/i, "ERR_TLS_CERT_ALTNAME_INVALID"],
  [/InvalidPurpose/, "INVALID_PURPOSE"],
  [/fatal alert|corrupt message/, "EPROTO"],
  [/connection closed|connection reset/i, "ECONNRESET"],
  [/invalid HTTP/, "Malformed_HTTP_Response"],
];

/** The error itself, with a code where its cause is known. */
export function coded(error: unknown): unknown {
  if (!(error instanceof Error) || "code" in error || !(error.cause instanceof Error)) return error;
  const { message } = error.cause;
  const code = CODES.find(([pattern]) => pattern.test(message))?.[1];
  return code === undefined ? error : Object.assign(error, { code });
}
