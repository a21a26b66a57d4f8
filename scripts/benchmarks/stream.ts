/**
 * One stream of a stored shard between two processes over loopback, with the engine's own parts: the shard's bytes on
 * the one side, the transport and the resumable body on the other. Nothing is decoded.
 *
 * Started with a directory and a size in bytes it is the side that has the shard: prints its address, and serves until it is killed.
 */

import { encodeBatch } from "../../core/batch/codec.ts";
import { openShardStream } from "../../net/agent/shards/shard_stream.ts";
import { codecPorts } from "../../net/codec_ports.ts";
import { sequence } from "../../net/replies.ts";
import { resumedBody } from "../../net/resumed_body.ts";
import { currentRuntime } from "../../net/runtime/current_runtime.ts";
import { ShardFileWriter } from "../../net/store/shard_writer.ts";
import { tcpTransport } from "../../net/tcp_transport.ts";

const ATTEMPT = "bench-0-0-0";
const ROWS = 128 * 1024;
const LIMIT_MS = 60_000;

/** Bytes per second, the best of three. */
export async function measureStream(directory: string, sizeBytes: number): Promise<number> {
  const server = Bun.spawn([process.execPath, import.meta.path, directory, String(sizeBytes)], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: LIMIT_MS,
  });
  try {
    const { value } = await server.stdout.getReader().read();
    const address = new TextDecoder().decode(value).trim();
    const transport = tcpTransport(await currentRuntime(), { address, name: "the other side" });
    const open = async (from: number): Promise<ReadableStream<Uint8Array>> => {
      const { body } = await transport.fetch(`/?from=${from}`);
      if (body === null) throw new Error("It has no body");
      return body;
    };
    let best = 0;
    for (let i = 0; i < 3; i++) {
      const begin = performance.now();
      let bytes = 0;
      for await (const piece of resumedBody({ open, isResumable: true })) bytes += piece.byteLength;
      if (bytes < sizeBytes) throw new Error(`The stream has ${bytes} of ${sizeBytes} bytes`);
      best = Math.max(best, (bytes / (performance.now() - begin)) * 1000);
    }
    return best;
  } finally {
    server.kill();
    await server.exited;
  }
}

async function serveShard(directory: string, sizeBytes: number): Promise<void> {
  const writer = new ShardFileWriter({ directory, attempt: ATTEMPT, partitions: 1 });
  const values = Float64Array.from({ length: ROWS }, Math.random);
  const item = encodeBatch({ rows: ROWS, column: { kind: "number", length: ROWS, values } }, codecPorts);
  while (writer.sizeBytes < sizeBytes) writer.write(0, item, ROWS);
  await writer.commit();
  const runtime = await currentRuntime();
  const { address } = await runtime.serve({
    listen: { hostname: "127.0.0.1", port: 0 },
    fetch: (request) => {
      const from = Number(new URL(request.url).searchParams.get("from"));
      const place = { directory, attempt: ATTEMPT, partition: 0, from, chunks: undefined };
      const onBroken = (error: unknown): void => console.error(error);
      return sequence(openShardStream({ ...place, held: () => undefined, onBroken, followed: undefined }));
    },
  });
  if ("port" in address) console.log(`${address.hostname}:${address.port}`);
}

const [directory, sizeBytes] = process.argv.slice(2);
if (import.meta.main) await serveShard(directory, Number(sizeBytes));
