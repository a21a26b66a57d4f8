/**
 * The hosts of `luciole deploy`: as they are written, and what they can run.
 */
import { isHost } from "../cluster/address.ts";
import { LucioleError } from "../errors.ts";

export interface DeployHost {
  /** As ssh takes it: "user@host", "host". */
  readonly target: string;
  /** Under which other machines reach it. */
  readonly host: string;
}

/** @throws {LucioleError} code "usage" */
export function parseHosts(texts: readonly string[]): readonly DeployHost[] {
  const hosts = new Map<string, DeployHost>();
  for (const text of texts.flatMap((part) => part.split(/[,\s]+/)).filter((part) => part !== "")) {
    const match = /^(?:([\w.-]+)@)?(?:\[([0-9a-f:.]+)\]|([^\s@:[\]]+))$/i.exec(text);
    const host = match?.[2] ?? match?.[3];
    const isKnownForm = host !== undefined && (match?.[2] !== undefined || isHost(host));
    if (!isKnownForm || text.startsWith("-")) {
      const advice = text.includes(":") ? "; a port of ssh is given with --ssh-option Port=2222" : "";
      throw new LucioleError("usage", `Cannot deploy to "${text}": expected a host, or user@host${advice}`);
    }
    const user = match?.[1] === undefined ? "" : `${match[1]}@`;
    hosts.set(host, { target: `${user}${host}`, host });
  }
  if (hosts.size === 0) throw new LucioleError("usage", "Cannot deploy: no host is named");
  return [...hosts.values()];
}

/** "linux-x64" of what `uname -s` and `uname -m` tell; undefined for what there is no executable for. */
export function platformOf(system: string, machine: string): string | undefined {
  const os = { Linux: "linux", Darwin: "darwin" }[system];
  const cpu = { x86_64: "x64", amd64: "x64", aarch64: "arm64", arm64: "arm64" }[machine];
  return os === undefined || cpu === undefined ? undefined : `${os}-${cpu}`;
}
