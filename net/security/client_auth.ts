/**
 * What a client shows to masters and agents: tokens that it signs anew as they age, or one it was given.
 *
 * A secret never travels. Drivers and agents hold the secret; workers get a token of their job, through
 * their agent's socket and never by argument or environment.
 */
import { signToken } from "../../core/security/token.ts";
import type { ClusterSecret } from "./cluster_secret.ts";

/** Headers for each request, asked for anew each time. */
export interface Credentials {
  headers(): Readonly<Record<string, string>>;
}

/** Short, so that one that was overheard is soon of no use; clock skew is allowed for by the verifier. */
const CLUSTER_LIFE_MS = 300_000;
/** Longer, as it is handed on; whoever keeps a job alive renews it. */
const JOB_LIFE_MS = 3_600_000;
/** For as long as a program may compute without a pause: all that it is good for is that its job goes on. */
const LEASE_LIFE_MS = 24 * 3_600_000;

/** Of a secret: tokens of the whole cluster, each used for half its life. */
export function secretCredentials(secret: ClusterSecret, clock: () => number = Date.now): Credentials {
  let renewAt = Number.NEGATIVE_INFINITY;
  let held: Readonly<Record<string, string>> = {};
  return {
    headers() {
      const now = clock();
      // A clock that was set back makes the held token one of the future.
      if (now >= renewAt || now < renewAt - CLUSTER_LIFE_MS / 2) {
        held = authHeaders(clusterToken(secret, now));
        renewAt = now + CLUSTER_LIFE_MS / 2;
      }
      return held;
    },
  };
}

/** Of a token, such as a worker's. */
export function tokenCredentials(token: string): Credentials {
  const held = authHeaders(token);
  return { headers: () => held };
}

export function authHeaders(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` };
}

/** For everything in the cluster. */
export function clusterToken(secret: ClusterSecret, now: number, lifeMs = CLUSTER_LIFE_MS): string {
  return signToken(secret, { scope: "cluster", notBefore: now, notAfter: now + lifeMs });
}

/** For reading the shards of one job, on every machine. */
export function jobToken(secret: ClusterSecret, job: string, now: number, lifeMs = JOB_LIFE_MS): string {
  return signToken(secret, { scope: "job", job, notBefore: now, notAfter: now + lifeMs });
}

/** For the detached driver of one job: short, as it asks its agent for the next one. */
export function driverToken(secret: ClusterSecret, job: string, now: number): string {
  return signToken(secret, { scope: "driver", job, notBefore: now, notAfter: now + CLUSTER_LIFE_MS });
}

/** For whoever keeps the leases of a job and of those that belong to it, and does nothing else. */
export function leaseToken(secret: ClusterSecret, job: string, now: number): string {
  return signToken(secret, { scope: "lease", job, notBefore: now, notAfter: now + LEASE_LIFE_MS });
}
