/** Channels take no more of their source than their agent has room for. */
import { expect, test } from "bun:test";
import type { AgentClient } from "../../../net/driver/agent_client.ts";
import { createChannel } from "../../../net/driver/channel.ts";

const ROWS = 50_000;

test("a channel stops to pull rows while its agent has no room for them", async () => {
  let pulled = 0;
  function* source() {
    for (; pulled < ROWS; pulled++) yield pulled;
  }
  const asked = Promise.withResolvers<void>();
  const room = Promise.withResolvers<void>();
  const client = {
    appendToChannel: () => {
      asked.resolve();
      return room.promise;
    },
    closeChannel: () => Promise.resolve(),
  } as unknown as AgentClient;
  const closed: number[] = [];
  const channel = createChannel<number>({
    attempt: "channel-0",
    client,
    source: source(),
    opened: Promise.resolve(),
    signal: new AbortController().signal,
    onClosed: (rows) => closed.push(rows),
    onFailed: (error) => {
      throw error;
    },
    onUnused: () => undefined,
    unread: new AbortController().signal,
  });
  await asked.promise;
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(pulled).toBeLessThan(20_000);
  expect(channel.isClosed).toBe(false);
  room.resolve();
  await channel.done;
  expect({ pulled, closed }).toEqual({ pulled: ROWS, closed: [ROWS] });
});
