/** X3: 10,000 idle connections, and uploads of strangers: memory stays flat, and others are served. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PROTOCOL, PROTOCOL_HEADER } from "../../../net/protocol.ts";
import { currentRuntime } from "../../../net/runtime/current_runtime.ts";
import { secretCredentials } from "../../../net/security/client_auth.ts";
import { tcpTransport } from "../../../net/tcp_transport.ts";
import { RawClient } from "./raw_client.ts";
import { secret } from "./served_agent.ts";

/** Fewer only where the system does not let a process have so many. */
const CONNECTIONS = Math.min(10_000, maxOpenFiles() - 1000);
const MAX_GROWTH_BYTES = 128 * 2 ** 20;
const UPLOAD_BYTES = 200 * 2 ** 20;
const runtime = await currentRuntime();
let child: Bun.Subprocess<"pipe", "pipe", "inherit">;
let port: number;

beforeAll(async () => {
  const program = join(import.meta.dir, "served_alone.ts");
  child = Bun.spawn([process.execPath, program], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const { value } = await child.stdout.getReader().read();
  port = Number(new TextDecoder().decode(value));
});

afterAll(async () => {
  child.stdin.end();
  expect(await child.exited).toBe(0);
});

async function status(): Promise<number> {
  const credentials = secretCredentials(secret);
  const transport = tcpTransport(runtime, { address: `127.0.0.1:${port}`, name: "it", credentials });
  const headers = { [PROTOCOL_HEADER]: String(PROTOCOL) };
  return (await transport.fetch("/v1/agent", { headers })).status;
}

function maxOpenFiles(): number {
  if (process.platform !== "linux") return 0;
  return Number(/^Max open files +\S+ +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1]);
}

function residentBytes(): number {
  const lines = readFileSync(`/proc/${child.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(lines)?.[1]) * 1024;
}

async function openMany(count: number): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  const some = 200;
  for (let i = 0; i < count; i += some) {
    clients.push(...(await Promise.all(Array.from({ length: some }, () => RawClient.open(port)))));
  }
  return clients;
}

describe.if(process.platform === "linux")("X3: an agent", () => {
  test("with 10,000 idle connections serves others, and is not much larger", async () => {
    expect(await status()).toBe(200);
    const before = residentBytes();
    const clients = await openMany(CONNECTIONS);
    expect(clients.filter(({ isClosed }) => isClosed).length).toBe(0);
    expect(await status()).toBe(200);
    expect(residentBytes() - before).toBeLessThan(MAX_GROWTH_BYTES);
    for (const client of clients) client.close();
    expect(await status()).toBe(200);
  }, 180_000);

  test.each([
    ["of a length", `Content-Length: ${UPLOAD_BYTES}`, new Uint8Array(2 ** 20)],
    ["in pieces", "Transfer-Encoding: chunked", Buffer.from(`100000\r\n${"x".repeat(2 ** 20)}\r\n`)],
  ])(
    "refuses uploads %s without a token before they are there",
    async (_, header, piece) => {
      const before = residentBytes();
      for (let i = 0; i < 4; i++) {
        const client = await RawClient.open(port);
        client.send(`POST /v1/jobs/j1/attempts HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`);
        expect(await client.status()).toBe(401);
        for (let sent = 0; sent < UPLOAD_BYTES && !client.isClosed; sent += piece.length) {
          client.send(piece);
          await client.flushed();
        }
        client.close();
      }
      expect(await status()).toBe(200);
      expect(residentBytes() - before).toBeLessThan(MAX_GROWTH_BYTES);
    },
    180_000,
  );
});
