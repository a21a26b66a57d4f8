/**
 * What `luciole deploy` starts where: masters on the hosts that are named as such, else on the
 * first; an agent on every host.
 */
import { AGENT_PORT, formatAddress, MASTER_PORT, parseAddress } from "../cluster/address.ts";
import { LucioleError } from "../errors.ts";
import { isLoopback } from "../security/bind.ts";
import type { DeployHost } from "./hosts.ts";

export interface DeployOptions {
  readonly hosts: readonly DeployHost[];
  /** "host:port"; those of them that are among the hosts are started. */
  readonly masters?: readonly string[];
  /** Names of the files on the hosts. */
  readonly tokenFile?: string;
  readonly tls: { readonly cert?: string; readonly key?: string; readonly ca?: string };
  readonly isInsecure: boolean;
  /** Further flags of the agents; they win over what is set here. */
  readonly agentArgs: readonly string[];
}

export interface DeployPlan {
  readonly masters: readonly string[];
  readonly hosts: readonly {
    readonly host: DeployHost;
    readonly roles: readonly { readonly role: "master" | "agent"; readonly args: readonly string[] }[];
  }[];
}

/** @throws {LucioleError} code "usage" when masters and agents would not reach each other. */
export function planDeployment(options: DeployOptions): DeployPlan {
  const { hosts, agentArgs } = options;
  const [first] = hosts;
  const own = first === undefined ? [] : [formatAddress({ host: first.host, port: MASTER_PORT })];
  const masters = options.masters ?? own;
  const local = hosts.filter(({ host }) => isLoopback(host));
  if (local.length > 0 && local.length < hosts.length) {
    const name = local[0]?.host;
    throw new LucioleError(
      "usage",
      `Cannot deploy to ${name} and to other hosts: name this machine as the others reach it`,
    );
  }
  const shared = sharedArgs(options);
  return {
    masters,
    hosts: hosts.map((host) => {
      const ports = masters.flatMap((address) => {
        const parsed = parseAddress(address, MASTER_PORT);
        return parsed?.host === host.host ? [parsed.port] : [];
      });
      const listen = isLoopback(host.host) ? host.host : "0.0.0.0";
      const started = ports.map((port) => ({
        role: "master" as const,
        args: ["--host", listen, "--port", String(port), ...shared],
      }));
      const agent = ["--host", listen, "--port", String(AGENT_PORT), "--advertise", host.host];
      const args = [...agent, "--master", masters.join(","), ...shared, ...agentArgs];
      return { host, roles: [...started, { role: "agent" as const, args }] };
    }),
  };
}

function sharedArgs({ tokenFile, tls, isInsecure }: DeployOptions): readonly string[] {
  const files = {
    "--token-file": tokenFile,
    "--tls-cert": tls.cert,
    "--tls-key": tls.key,
    "--tls-ca": tls.ca,
  };
  const args = Object.entries(files).flatMap(([flag, name]) => (name === undefined ? [] : [flag, name]));
  return isInsecure ? [...args, "--insecure"] : args;
}
