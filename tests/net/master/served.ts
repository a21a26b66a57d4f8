/** Servers on loopback for tests of those who dial masters, and how these dial. */
import { createServer, type Server, type Socket } from "node:net";
import type { MasterLink } from "../../../net/master_request.ts";
import { currentRuntime } from "../../../net/runtime/current_runtime.ts";

type Fetch = (request: Request) => Response | Promise<Response>;

export interface Served {
  /** "127.0.0.1:port". */
  readonly address: string;
  stop(): Promise<void>;
}

export async function serve(fetch: Fetch, port = 0): Promise<Served> {
  const runtime = await currentRuntime();
  const server = await runtime.serve({ listen: { hostname: "127.0.0.1", port }, fetch });
  const bound = "port" in server.address ? server.address.port : port;
  return { address: `127.0.0.1:${bound}`, stop: () => server.stop() };
}

/** Something that listens, and does what the test says with each connection. */
export async function listen(onConnection: (socket: Socket) => void): Promise<Served> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("Cannot listen");
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { address: `127.0.0.1:${bound.port}`, stop };
}

/** An address at which nothing listens. */
export async function freeAddress(): Promise<string> {
  const served = await listen(() => undefined);
  await served.stop();
  return served.address;
}

export function dial(address: string): MasterLink {
  return { address, transport: { fetch: (path, init) => fetch(`http://${address}${path}`, init) } };
}
