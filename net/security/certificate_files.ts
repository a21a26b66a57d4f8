/**
 * The certificates of a cluster in a directory: `ca.crt`, and for each name `NAME.crt` and `NAME.key`.
 *
 * Writes keys for their owner alone, and never over a file that is there. The form of
 * certificates is certificates.ts's own.
 */
import { mkdir, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { LucioleError } from "../../core/errors.ts";
import { ID_PATTERN } from "../protocol.ts";
import { type KeyPair, makeAuthority, makeCertificate } from "./certificates.ts";

export interface CertificateOptions {
  readonly directory: string;
  /** Names and addresses under which servers are dialled. */
  readonly hosts: readonly string[];
  readonly days: number;
  readonly now: number;
}

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
/** Machines whose clocks are late must take it too. */
const BEFORE_MS = DAY_MS;
const HOST = /^(?=.{1,253}$)[A-Za-z0-9*:]([A-Za-z0-9.:_-]*[A-Za-z0-9:])?$/;

/** Makes an authority, a certificate `server` for masters and agents, and a `client` one. Returns the files. */
export async function initCertificates(options: CertificateOptions): Promise<readonly string[]> {
  const { directory, now } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw unusable("make", directory, reasonOf(error));
  });
  const authority = await makeAuthority("luciole", validity(now, Math.max(AUTHORITY_DAYS, options.days)));
  const server = await certificate(authority, "server", options);
  const client = await certificate(authority, "client", { ...options, hosts: [] });
  return [
    ...(await write(directory, "ca", authority)),
    ...(await write(directory, "server", server)),
    ...(await write(directory, "client", client)),
  ];
}

/** Signs one more certificate with the authority in the directory: to serve with, if it has hosts. */
export async function addCertificate(name: string, options: CertificateOptions): Promise<readonly string[]> {
  if (!ID_PATTERN.test(name)) {
    const rule = "letters, digits, - and _, at most 100";
    throw new LucioleError("usage", `Cannot name a certificate ${JSON.stringify(name)}: a name has ${rule}`);
  }
  const read = (file: string) =>
    readFile(join(options.directory, file), "utf8").catch((error: unknown) => {
      throw unusable("read", join(options.directory, file), reasonOf(error));
    });
  const authority = { cert: await read("ca.crt"), key: await read("ca.key") };
  return await write(options.directory, name, await certificate(authority, name, options));
}

async function certificate(
  authority: KeyPair,
  name: string,
  { hosts, days, now }: CertificateOptions,
): Promise<KeyPair> {
  const odd = hosts.find((host) => !HOST.test(host));
  if (odd !== undefined) {
    throw new LucioleError(
      "usage",
      `Cannot make a certificate for ${JSON.stringify(odd)}: it is no host name or address`,
    );
  }
  return await makeCertificate(authority, { name, hosts, ...validity(now, days) });
}

function validity(now: number, days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  return { notBefore: new Date(now - BEFORE_MS), notAfter: new Date(now + days * DAY_MS) };
}

async function write(directory: string, name: string, pair: KeyPair): Promise<readonly string[]> {
  const [key, cert] = [join(directory, `${name}.key`), join(directory, `${name}.crt`)];
  await writeNew(key, pair.key, 0o600);
  await writeNew(cert, pair.cert, 0o644);
  return [cert, key];
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, "wx", mode).catch((error: unknown) => {
    throw unusable("make", path, reasonOf(error));
  });
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EEXIST: "there is a file already, and it may be in use",
  ENOENT: "there is no such file; luciole cert init makes it",
  ENOTDIR: "it is no directory",
  EACCES: "permission denied",
};

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  return REASONS[code] ?? code;
}

function unusable(verb: string, path: string, why: string): LucioleError {
  return new LucioleError("usage", `Cannot ${verb} ${path}: ${why}`, { fields: { path } });
}
