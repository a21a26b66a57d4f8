/**
 * Certificates for serving and for fetching, from the three files that a user names.
 *
 * With `cert` and `key` a role serves TLS; with `ca` it trusts that authority alone, and asks those who
 * dial it for a certificate of it. A client shows `cert` and `key` where it has them.
 */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { LucioleError } from "../../core/errors.ts";
import type { ClientTls, ServerTls } from "../runtime/runtime.ts";

/** Paths of PEM files, as the flags --tls-cert, --tls-key and --tls-ca name them. */
export interface TlsFiles {
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
}

export interface TlsOptions {
  /** Undefined without `cert` and `key`: then it can dial others with TLS, and not serve it. */
  readonly server: ServerTls | undefined;
  readonly client: ClientTls;
}

/**
 * Reads the files; undefined when none is named: then everything is plain HTTP.
 *
 * @throws {LucioleError} code "usage" when one is missing, is no certificate or key, or is out of date
 */
export async function tlsOptions(files: TlsFiles, now: number): Promise<TlsOptions | undefined> {
  if (files.cert === undefined && files.key === undefined && files.ca === undefined) return undefined;
  if ((files.cert === undefined) !== (files.key === undefined)) {
    const [has, lacks] = files.cert === undefined ? ["key", "certificate"] : ["certificate", "key"];
    throw new LucioleError("usage", `Cannot use TLS: there is a ${has} and no ${lacks}; name both files`);
  }
  const ca = await readCertificates(files.ca, now);
  const cert = await readCertificates(files.cert, now);
  const key = await readPem(files.key, "PRIVATE KEY");
  if (cert === undefined || key === undefined) return { server: undefined, client: { ca } };
  return { server: { cert, key, ca }, client: { cert, key, ca } };
}

async function readCertificates(path: string | undefined, now: number): Promise<string | undefined> {
  const pem = await readPem(path, "CERTIFICATE");
  if (pem === undefined) return undefined;
  for (const [block] of pem.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)) {
    checkTimes(String(path), block, now);
  }
  return pem;
}

/** What is out of date would only show as a connection that breaks, on the other machine. */
function checkTimes(path: string, block: string, now: number): void {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(block);
  } catch {
    throw unusable(path, "it holds a certificate that is malformed");
  }
  const { validFrom, validTo } = certificate;
  if (now > Date.parse(validTo)) throw unusable(path, `its certificate expired on ${validTo}`);
  if (now < Date.parse(validFrom)) throw unusable(path, `its certificate is not valid before ${validFrom}`);
}

async function readPem(path: string | undefined, kind: string): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw unusable(path, code === "ENOENT" ? "there is no such file" : code);
  });
  if (new RegExp(`-----BEGIN ([A-Z]+ )?${kind}-----`).test(text)) return text;
  throw unusable(path, `it holds no ${kind.toLowerCase()} in PEM`);
}

function unusable(path: string, why: string): LucioleError {
  return new LucioleError("usage", `Cannot use ${path} for TLS: ${why}`, { fields: { path } });
}
