/**
 * Which addresses a role may listen on: loopback always, others only with a secret.
 */
import { LucioleError } from "../errors.ts";

export interface BindGuards {
  /** The cluster's secret; what it is does not matter here. */
  readonly secret?: object;
  /** Whether the user has asked for no protection at all. */
  readonly isInsecure?: boolean;
}

/** Whether only this machine reaches a host name or address. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  if (name === "localhost" || name === "::1" || name === "0:0:0:0:0:0:0:1") return true;
  return /^(::ffff:)?127(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(name);
}

/**
 * Refuses to listen where strangers could run programs.
 *
 * @returns a warning to be shown at start, where the user wants it so
 * @throws {LucioleError} code "usage"
 */
export function checkBind(hostname: string, { secret, isInsecure }: BindGuards): string | undefined {
  if (secret !== undefined || isLoopback(hostname)) return undefined;
  if (isInsecure === true) {
    return `Listening on ${hostname} without a secret: whoever reaches it can run programs here`;
  }
  throw new LucioleError(
    "usage",
    `Cannot listen on ${hostname}: it is no loopback address, and whoever reaches it could run programs here; ` +
      "make a secret with `luciole token FILE` and give it with --token-file FILE, or say --insecure",
    { fields: { hostname } },
  );
}
