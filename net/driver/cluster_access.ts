/**
 * How drivers and commands reach the machines of a cluster: its masters, and agents by their address.
 *
 * It knows nothing of jobs.
 */
import type { ClientConfig } from "../../core/cluster/config.ts";
import type { Transport } from "../protocol.ts";
import { currentRuntime } from "../runtime/current_runtime.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { readSecurity } from "../security/security.ts";
import { type TcpTarget, tcpTransport } from "../tcp_transport.ts";
import { MasterClient } from "./master_client.ts";

export interface ClusterAccess {
  readonly master: MasterClient;
  /** @param agent Its id, for messages. */
  connect(agent: string, address: string): Transport;
}

/** @throws {LucioleError} code "usage" when a file that shows who one is cannot be used. */
export async function openClusterAccess({ masters, security }: ClientConfig): Promise<ClusterAccess> {
  const runtime = await currentRuntime();
  const { credentials, tls } = await readSecurity(security);
  return clusterAccess(runtime, masters, {
    ...(credentials && { credentials }),
    ...(tls && { tls: tls.client }),
  });
}

/** @param shown To whoever is dialled. */
export function clusterAccess(
  runtime: Runtime,
  masters: readonly string[],
  shown: Pick<TcpTarget, "credentials" | "tls">,
): ClusterAccess {
  const connect = (name: string, address: string): Transport =>
    tcpTransport(runtime, { address, name, ...shown });
  const links = masters.map((address) => ({ address, transport: connect("the master", address) }));
  return {
    master: new MasterClient({ masters: links }),
    connect: (agent, address) => connect(`agent ${agent}`, address),
  };
}
