/**
 * How drivers and commands reach the machines of a cluster: its masters, and agents by their address.
 *
 * It knows nothing of jobs.
 */
import type { ClientConfig } from "../../../core/cluster/config.ts";
import { encode } from "../../cbor.ts";
import { CBOR, PROTOCOL, PROTOCOL_HEADER, ROUTES, type Transport } from "../../protocol.ts";
import { currentRuntime } from "../../runtime/current_runtime.ts";
import type { KeptRequest } from "../../runtime/life_thread.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { authHeaders, leaseToken } from "../../security/client_auth.ts";
import { readSecurity } from "../../security/security.ts";
import { type TcpTarget, tcpTransport } from "../../tcp_transport.ts";
import { MasterClient } from "./master_client.ts";

export interface ClusterAccess {
  readonly master: MasterClient;
  /** @param agent Its id, for messages. */
  connect(agent: string, address: string): Transport;
  /** What keeps a job's lease at an agent when this process has no time to: see net/runtime/life_thread.ts. */
  leaseRequest(job: string, address: string): KeptRequest;
}

/** What is shown to whoever is dialled. */
export interface Shown extends Pick<TcpTarget, "credentials" | "tls"> {
  /** Good for the leases of the job, for long; undefined in a cluster without a secret. */
  readonly leaseToken?: (job: string) => string | undefined;
}

/** @throws {LucioleError} code "usage" when a file that shows who one is cannot be used. */
export async function openClusterAccess({ masters, security }: ClientConfig): Promise<ClusterAccess> {
  const runtime = await currentRuntime();
  const { credentials, secret, tls } = await readSecurity(security);
  return clusterAccess(runtime, masters, {
    ...(credentials && { credentials }),
    ...(secret && { leaseToken: (job: string) => leaseToken(secret, job, Date.now()) }),
    ...(tls && { tls: tls.client }),
  });
}

export function clusterAccess(runtime: Runtime, masters: readonly string[], shown: Shown): ClusterAccess {
  const { leaseToken: tokenOf, credentials, tls } = shown;
  const target = { ...(credentials && { credentials }), ...(tls && { tls }) };
  const connect = (name: string, address: string): Transport =>
    tcpTransport(runtime, { address, name, ...target });
  const links = masters.map((address) => ({ address, transport: connect("the master", address) }));
  return {
    master: new MasterClient({ masters: links }),
    connect: (agent, address) => connect(`agent ${agent}`, address),
    leaseRequest: (job, address) => {
      const token = tokenOf?.(job);
      return {
        url: `${tls === undefined ? "http" : "https"}://${address}${ROUTES.lease(job)}`,
        headers: {
          [PROTOCOL_HEADER]: String(PROTOCOL),
          "content-type": CBOR,
          ...(token === undefined ? {} : authHeaders(token)),
        },
        // Of no event: what came while the process has no time, it has not taken.
        body: encode({ acknowledged: 0 }),
        ...(tls && { tls }),
      };
    },
  };
}
