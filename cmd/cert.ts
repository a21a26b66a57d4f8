/**
 * `luciole cert init DIR` and `luciole cert add DIR NAME`: certificates for the machines of a cluster.
 */
import { hostname } from "node:os";
import { LucioleError } from "../core/errors.ts";
import {
  addCertificate,
  type CertificateOptions,
  initCertificates,
} from "../net/security/certificate_files.ts";
import { printResult } from "./output.ts";

export interface CertFlags {
  readonly host?: readonly string[];
  readonly days: string;
  readonly json?: true;
}

const MAX_DAYS = 3650;

export async function certInit(directory: string, flags: CertFlags): Promise<void> {
  const own = ["localhost", "127.0.0.1", "::1", hostname()];
  const hosts = [...new Set([...own, ...(flags.host ?? [])])];
  show(await initCertificates(optionsOf(directory, hosts, flags)), flags);
}

export async function certAdd(directory: string, name: string, flags: CertFlags): Promise<void> {
  show(await addCertificate(name, optionsOf(directory, flags.host ?? [], flags)), flags);
}

function optionsOf(directory: string, hosts: readonly string[], flags: CertFlags): CertificateOptions {
  const days = Number(flags.days);
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS) {
    const seen = JSON.stringify(flags.days);
    throw new LucioleError(
      "usage",
      `Cannot read --days: expected a number from 1 to ${MAX_DAYS}, got ${seen}`,
    );
  }
  return { directory, hosts, days, now: Date.now() };
}

function show(files: readonly string[], flags: CertFlags): void {
  printResult(files.join("\n"), { files }, flags.json === true);
}
