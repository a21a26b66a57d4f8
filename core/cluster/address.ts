/**
 * Addresses as people write them: "host", "host:7400", "[::1]:7400", and lists of them.
 *
 * Knows their form only; whether somebody is there is found out elsewhere.
 */
export const MASTER_PORT = 7400;
export const AGENT_PORT = 7401;
const MAX_ADDRESSES = 16;

export interface HostPort {
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
}

/** Undefined for what is no address. A host of its own has the default port. */
export function parseAddress(text: string, defaultPort: number): HostPort | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:/@[\]]+))(?::(\d{1,5}))?$/i.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || !(match?.[1] === undefined ? isHost(host) : host.includes(":"))) return undefined;
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  return port >= 1 && port <= 65535 ? { host, port } : undefined;
}

/** Names as DNS and /etc/hosts have them, and IPv4 addresses. */
export function isHost(text: string): boolean {
  if (/^[\d.]+$/.test(text)) {
    const numbers = text.split(".");
    return (
      numbers.length === 4 && numbers.every((number) => /^\d{1,3}$/.test(number) && Number(number) < 256)
    );
  }
  const labels = text.replace(/\.$/, "").split(".");
  return text.length <= 253 && labels.every((label) => /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/i.test(label));
}

/** "host:port", as requests are sent to it. */
export function formatAddress({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** "host:port" of each address in a list with commas; undefined when one of them is none. */
export function parseAddresses(text: string, defaultPort: number): readonly string[] | undefined {
  const parts = text.split(",").filter((part) => part.trim() !== "");
  const addresses: string[] = [];
  for (const part of parts) {
    const address = parseAddress(part, defaultPort);
    if (address === undefined) return undefined;
    const formatted = formatAddress(address);
    if (!addresses.includes(formatted)) addresses.push(formatted);
  }
  return addresses.length === 0 || addresses.length > MAX_ADDRESSES ? undefined : addresses;
}
