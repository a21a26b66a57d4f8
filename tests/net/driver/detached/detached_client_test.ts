/** What a detached driver prints, of an agent that stands still. */
import { expect, test } from "bun:test";
import { LucioleError } from "../../../../core/errors.ts";
import { encode } from "../../../../net/cbor.ts";
import { DetachedClient } from "../../../../net/driver/detached/detached_client.ts";
import { PROTOCOL, PROTOCOL_HEADER, type Transport } from "../../../../net/protocol.ts";
import { UNREACHABLE } from "../../../../net/tcp_transport.ts";
import { soon } from "../../../oracle/until.ts";

const OK = { headers: { [PROTOCOL_HEADER]: String(PROTOCOL) } };

test.each([false, true])(
  "output() ends when its agent answers nothing any more, followed: %p",
  async (isFollowed) => {
    let aborted = 0;
    const transport: Transport = {
      fetch: async (path, init) => {
        if (!path.includes("/output")) throw new LucioleError(UNREACHABLE, "Cannot reach it");
        return await new Promise((_, reject) =>
          init?.signal?.addEventListener("abort", () => {
            aborted++;
            reject(init.signal?.reason);
          }),
        );
      },
    };
    const agent = { id: "a1", address: "h:1", transport };
    const client = new DetachedClient(agent, "j1", { probeMs: 50 });
    const read = Array.fromAsync(client.output(0, isFollowed, new AbortController().signal));
    await expect(soon("its end", read)).rejects.toThrow("Cannot ask agent a1 at h:1: ");
    expect(aborted).toBe(1);
  },
);

test("output() of which the connection breaks says of which agent", async () => {
  const broken = Object.assign(new TypeError("pass `verbose: true` to fetch()"), { code: "ECONNRESET" });
  const body = new ReadableStream({ start: (controller) => controller.error(broken) });
  const agent = { id: "a1", address: "h:1", transport: { fetch: async () => new Response(body, OK) } };
  const read = Array.fromAsync(new DetachedClient(agent, "j1").output(0, true, new AbortController().signal));
  await expect(soon("its end", read)).rejects.toMatchObject({
    code: "unreachable",
    message: "Cannot read on from agent a1 at h:1: the connection broke",
  });
});

test("output() that is followed ends, to be asked for again, when nothing comes of it though its agent is well", async () => {
  let aborted = 0;
  const reply = encode({ job: "j1", run: 1, state: "running" }).slice();
  const transport: Transport = {
    fetch: async (path, init) => {
      if (!path.includes("/output")) return new Response(reply, OK);
      const item = encode({ kind: "output", stream: "stdout", time: 1, bytes: Uint8Array.of(1), next: 1 });
      const start = (controller: ReadableStreamDefaultController): void => {
        controller.enqueue(item);
        init?.signal?.addEventListener("abort", () => {
          aborted++;
          controller.error(init.signal?.reason);
        });
      };
      return new Response(new ReadableStream({ start }), OK);
    },
  };
  const agent = { id: "a1", address: "h:1", transport };
  const client = new DetachedClient(agent, "j1", { probeMs: 20, idleMs: 100 });
  const items = await soon("its end", Array.fromAsync(client.output(0, true, new AbortController().signal)));
  expect(items.map(({ kind }) => kind)).toEqual(["output"]);
  expect(aborted).toBe(1);
});
