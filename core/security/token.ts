/**
 * Tokens: `v1.<claims as CBOR>.<HMAC-SHA256>`, both parts in base64url.
 *
 * Owns the format and what a token allows; the key, the clock and the codec are given.
 * Knows no requests, and never tells more of a bad token than why it was refused.
 */
import type { ValueCodec } from "../batch/ports.ts";

/**
 * What a token allows: everything in the cluster, reading the shards of one job, what the detached driver of one job
 * does (finding room, sending its program, and all with the jobs that it opens), or keeping the leases of these alone.
 * Times in ms since 1970.
 */
export type TokenClaims = {
  readonly notBefore: number;
  readonly notAfter: number;
} & ({ readonly scope: "cluster" } | { readonly scope: "job" | "driver" | "lease"; readonly job: string });

/** Whoever holds the secret of a cluster: makes the HMAC-SHA256 of a message with it. */
export interface TokenSigner {
  readonly codec: ValueCodec;
  sign(message: Uint8Array): Uint8Array;
}

export interface TokenUse {
  readonly now: number;
  /** The job whose shards are asked for; undefined for everything else. */
  readonly job?: string;
  /** Something that drivers do, with this job if with any. */
  readonly driving?: { readonly job?: string };
  /** The job whose lease is renewed, if that is all. */
  readonly leased?: string;
}

export type TokenVerdict =
  | { readonly kind: "valid"; readonly claims: TokenClaims }
  | { readonly kind: "malformed" }
  | { readonly kind: "signature" }
  | { readonly kind: "expired"; readonly sinceMs: number }
  | { readonly kind: "notYetValid"; readonly inMs: number }
  /** Of one job, used for another one or for more than its shards. */
  | { readonly kind: "otherJob" };

/** How far the clocks of two machines may differ. */
export const CLOCK_SKEW_MS = 60_000;
/** No token is longer; whatever is was not made by us. */
const MAX_TOKEN_LENGTH = 1000;
const VERSION = "v1";
const SCOPES_OF_JOB = ["job", "driver", "lease"] as const;
const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;

export function signToken(signer: TokenSigner, claims: TokenClaims): string {
  const signed = `${VERSION}.${signer.codec.encode(claims).toBase64(BASE64URL)}`;
  return `${signed}.${signer.sign(new TextEncoder().encode(signed)).toBase64(BASE64URL)}`;
}

/** Says whether a token allows a use. Claims are not read before the signature is known to be good. */
export function verifyToken(
  signer: TokenSigner,
  token: string,
  { now, job, driving, leased }: TokenUse,
): TokenVerdict {
  if (token.length > MAX_TOKEN_LENGTH) return { kind: "malformed" };
  const [version, claimsText, signatureText, ...rest] = token.split(".");
  const claimsBytes = fromBase64(claimsText);
  const signature = fromBase64(signatureText);
  if (version !== VERSION || rest.length > 0 || claimsBytes === undefined || signature === undefined) {
    return { kind: "malformed" };
  }
  const expected = signer.sign(new TextEncoder().encode(`${version}.${claimsText}`));
  if (!areEqual(expected, signature)) return { kind: "signature" };
  const claims = readClaims(signer.codec, claimsBytes);
  if (claims === undefined) return { kind: "malformed" };
  if (now > claims.notAfter + CLOCK_SKEW_MS) return { kind: "expired", sinceMs: now - claims.notAfter };
  if (now < claims.notBefore - CLOCK_SKEW_MS) return { kind: "notYetValid", inMs: claims.notBefore - now };
  if (claims.scope === "job" && claims.job !== job) return { kind: "otherJob" };
  if (claims.scope === "driver" && !mayDrive(claims.job, driving)) return { kind: "otherJob" };
  if (claims.scope === "lease" && !isOwn(claims.job, leased)) return { kind: "otherJob" };
  return { kind: "valid", claims };
}

function mayDrive(own: string, driving: TokenUse["driving"]): boolean {
  return driving !== undefined && (driving.job === undefined || isOwn(own, driving.job));
}

/** The jobs that a detached driver opens have its id, or begin with it and a dash. */
function isOwn(own: string, job: string | undefined): boolean {
  return job !== undefined && (job === own || job.startsWith(`${own}-`));
}

function fromBase64(text: string | undefined): Uint8Array | undefined {
  if (text === undefined || text === "") return undefined;
  try {
    return Uint8Array.fromBase64(text, { alphabet: "base64url" });
  } catch {
    return undefined;
  }
}

/** In a time that tells nothing of where two signatures differ. */
function areEqual(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let i = 0; i < left.length; i++) difference |= left[i] ^ right[i];
  return difference === 0;
}

function readClaims(codec: ValueCodec, bytes: Uint8Array): TokenClaims | undefined {
  let value: unknown;
  try {
    value = codec.decode(bytes);
  } catch {
    return undefined;
  }
  if (value === null || typeof value !== "object") return undefined;
  const { scope, job, notBefore, notAfter } = value as Readonly<Record<string, unknown>>;
  if (!Number.isSafeInteger(notBefore) || !Number.isSafeInteger(notAfter)) return undefined;
  const isOfJob = SCOPES_OF_JOB.some((one) => one === scope) && typeof job === "string";
  const isKnown = scope === "cluster" || isOfJob;
  return isKnown ? (value as TokenClaims) : undefined;
}
