/** What a detached driver prints, of an agent that stands still. */
import { expect, test } from "bun:test";
import { LucioleError } from "../../../core/errors.ts";
import { DetachedClient } from "../../../net/driver/detached_client.ts";
import type { Transport } from "../../../net/protocol.ts";
import { UNREACHABLE } from "../../../net/tcp_transport.ts";
import { soon } from "../../oracle/until.ts";

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
