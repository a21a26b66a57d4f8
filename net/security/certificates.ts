/**
 * Makes the certificates of a cluster: an authority of its own, and what it signs.
 *
 * The only file that knows X.509's library. Knows keys and names; where they are kept is not known here.
 */
import { isIP } from "node:net";
import type { JsonGeneralName } from "@peculiar/x509";

// One after the other, as the library wants it: bundled, static imports are run in another order.
await import("reflect-metadata");
const {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} = await import("@peculiar/x509");

/** As text in PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** An authority that signs certificates, and no further authorities. */
export async function makeAuthority(name: string, validity: Validity): Promise<KeyPair> {
  const keys = await makeKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [name] }],
    ...validity,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: `${certificate.toString("pem")}\n`, key: await keyText(keys.privateKey) };
}

export interface CertificateRequest extends Validity {
  readonly name: string;
  /** Names and addresses under which a server is dialled; none for what only dials others. */
  readonly hosts: readonly string[];
}

/** A certificate for dialling others, and with hosts for serving too. */
export async function makeCertificate(authority: KeyPair, request: CertificateRequest): Promise<KeyPair> {
  const { name, hosts, notBefore, notAfter } = request;
  const issuer = new X509Certificate(authority.cert);
  const signingKey = await crypto.subtle.importKey("pkcs8", keyBytes(authority.key), ALGORITHM, false, [
    "sign",
  ]);
  const keys = await makeKeys();
  const uses = hosts.length === 0 ? [] : [ExtendedKeyUsage.serverAuth];
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [name] }],
    issuer: issuer.subjectName,
    notBefore,
    // What outlives its authority would fail for a reason that is hard to see.
    notAfter: new Date(Math.min(notAfter.getTime(), issuer.notAfter.getTime())),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([...uses, ExtendedKeyUsage.clientAuth]),
      ...(hosts.length === 0 ? [] : [new SubjectAlternativeNameExtension(hosts.map(generalName))]),
    ],
  });
  return { cert: `${certificate.toString("pem")}\n`, key: await keyText(keys.privateKey) };
}

function generalName(host: string): JsonGeneralName {
  return { type: isIP(host) === 0 ? "dns" : "ip", value: host };
}

async function makeKeys(): Promise<CryptoKeyPair> {
  return (await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"])) as CryptoKeyPair;
}

async function keyText(key: CryptoKey): Promise<string> {
  return `${PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}

function keyBytes(pem: string): ArrayBuffer {
  return PemConverter.decodeFirst(pem);
}
