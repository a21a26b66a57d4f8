/**
 * An agent served over TCP behind its guard, for tests of what strangers can send to it.
 */
import type { WireError } from "../../../core/errors.ts";
import { decode } from "../../../net/cbor.ts";
import { PROTOCOL, PROTOCOL_HEADER } from "../../../net/protocol.ts";
import { currentRuntime } from "../../../net/runtime/current_runtime.ts";
import type { RunningServer } from "../../../net/runtime/runtime.ts";
import { type GuardOptions, guarded } from "../../../net/security/authenticate.ts";
import { authHeaders } from "../../../net/security/client_auth.ts";
import { ClusterSecret } from "../../../net/security/cluster_secret.ts";
import { AgentWorld, type AgentWorldOptions } from "../agent/agent_world.ts";

export const NOW = 1_800_000_000_000;
export const secret = new ClusterSecret(new Uint8Array(32).fill(7));
export const otherSecret = new ClusterSecret(new Uint8Array(32).fill(8));

export interface Answer {
  readonly status: number;
  readonly error: WireError | undefined;
  readonly version: string | null;
}

export class ServedAgent {
  readonly world: AgentWorld;
  readonly server: RunningServer;
  readonly port: number;

  private constructor(world: AgentWorld, server: RunningServer) {
    this.world = world;
    this.server = server;
    this.port = "port" in server.address ? server.address.port : 0;
  }

  static async open(options: GuardOptions & AgentWorldOptions = {}): Promise<ServedAgent> {
    const world = await AgentWorld.open(options);
    const runtime = await currentRuntime();
    const guard: GuardOptions = { secret, clock: () => NOW, ...options };
    const listen = { hostname: "127.0.0.1", port: 0 };
    return new ServedAgent(world, await runtime.serve({ listen, fetch: guarded(world.agent.remote, guard) }));
  }

  /** Method and path of each route of the agent, with ids that are fine and of one job. */
  routes(
    job: string,
  ): readonly { readonly method: string; readonly path: string; readonly isShard: boolean }[] {
    const own = this.world.agent.remote.routes.filter(({ method }) => method !== "ALL");
    return own.map(({ method, path }) => ({
      method,
      path: path.replace(":job", job).replace(":partition", "0").replace(/:\w+/g, "a1"),
      isShard: /^\/v1\/jobs\/:job\/(shards|pieces|mail)/.test(path),
    }));
  }

  async send(method: string, path: string, options: { token?: string } & RequestInit = {}): Promise<Answer> {
    const { token, ...init } = options;
    const headers = new Headers(init.headers);
    headers.set(PROTOCOL_HEADER, String(PROTOCOL));
    if (token !== undefined) headers.set("authorization", authHeaders(token).authorization);
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, { ...init, method, headers });
    // A route of a stream is answered for as long as the job lives.
    const isStream = response.headers.get("content-type") === "application/cbor-seq";
    if (isStream) await response.body?.cancel();
    const body = isStream ? new Uint8Array(0) : new Uint8Array(await response.arrayBuffer());
    const error = response.ok ? undefined : (decode(body) as WireError);
    return { status: response.status, error, version: response.headers.get(PROTOCOL_HEADER) };
  }

  async close(): Promise<readonly string[]> {
    await this.server.stop();
    return await this.world.close();
  }
}
