/** Requests with a body on Bun, by real sockets. */
import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bunRuntime } from "../../../net/runtime/bun.ts";

const POST = { method: "POST", body: new Uint8Array([1, 2, 3]) };

test("a thousand requests at once come through a Unix socket, though it lets fewer wait", async () => {
  const directory = await mkdtemp(join(tmpdir(), "luciole-test-"));
  const unixPath = join(directory, "s.sock");
  const server = await bunRuntime.serve({
    listen: { unixPath },
    fetch: async (request) => new Response(await request.arrayBuffer()),
  });
  try {
    const ask = async (): Promise<number> => {
      const answer = await bunRuntime.fetchUnix(unixPath, "/", POST);
      return (await answer.arrayBuffer()).byteLength;
    };
    const answers = await Promise.all(Array.from({ length: 1000 }, ask));
    expect(answers.filter((bytes) => bytes === 3).length).toBe(1000);
  } finally {
    await server.stop();
    await rm(directory, { recursive: true });
  }
});

test("an address says nothing else in its request", async () => {
  const seen: (string | null)[] = [];
  const server = await bunRuntime.serve({
    listen: { hostname: "127.0.0.1", port: 0 },
    fetch: async (request) => {
      seen.push(new URL(request.url).pathname, request.headers.get("host"), request.headers.get("x"));
      return new Response();
    },
  });
  const port = "port" in server.address ? server.address.port : 0;
  try {
    const answer = await bunRuntime.fetchTcp(`127.0.0.1:${port}/\r\nx: y`, "/z", POST);
    expect([answer.status, ...seen]).toEqual([200, "/z", `127.0.0.1:${port}`, null]);
  } finally {
    await server.stop();
  }
});
