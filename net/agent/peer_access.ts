/**
 * The other agents of a job: what is shown to them, and how this agent reaches them itself.
 */
import type { PeersReply } from "../protocol.ts";
import type { ClientTls, Runtime } from "../runtime/runtime.ts";
import { jobToken } from "../security/client_auth.ts";
import type { ClusterSecret } from "../security/cluster_secret.ts";
import { tcpTransport } from "../tcp_transport.ts";
import type { TransportTo } from "../worker/attempt_host.ts";
import { Peers } from "../worker/peers.ts";

/** What an agent and its workers may show to other agents. */
export interface PeerAccess {
  /** Of the cluster; workers get tokens of their job. */
  readonly secret?: ClusterSecret;
  readonly tls?: ClientTls;
}

/** Where the other agents are, and what to show them: of this job alone, and of a while. */
export function peersOf(job: string, peers: PeersReply["peers"], { secret, tls }: PeerAccess): PeersReply {
  return {
    peers,
    ...(secret && { token: jobToken(secret, job, Date.now()) }),
    ...(tls && { tls }),
  };
}

/** Makes the transports of one job. @param peers The addresses of its agents as they are then. */
export type TransportsOf = (job: string, peers: () => PeersReply["peers"]) => PeerTransports;

export interface PeerTransports {
  readonly find: TransportTo;
  /** It is gone; one of its name may come in its place, elsewhere. */
  readonly drop: (agent: string) => void;
}

export function transportsOf(options: {
  readonly runtime: Runtime;
  readonly access?: PeerAccess;
  readonly transportTo?: TransportTo;
}): TransportsOf {
  const { runtime, access = {}, transportTo } = options;
  if (transportTo !== undefined) return () => ({ find: transportTo, drop: () => undefined });
  return (job, peersOfJob) => {
    const ask = () => Promise.resolve(peersOf(job, peersOfJob(), access));
    const peers = new Peers(ask, ({ agent, ...target }) =>
      tcpTransport(runtime, { ...target, name: `agent ${agent}` }),
    );
    return { find: (agent) => peers.find(agent), drop: (agent) => peers.drop(agent) };
  };
}
