/** Channels take no more of their source than their agent has room for. */
import { expect, test } from "bun:test";
import { LucioleError } from "../../../../core/errors.ts";
import type { AgentClient } from "../../../../net/driver/agents/agent_client.ts";
import { createChannel } from "../../../../net/driver/reading/channel.ts";
import { soon } from "../../../oracle/until.ts";

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

async function* never(): AsyncGenerator<number> {
  await new Promise(() => undefined);
}

test("a channel whose job is closed before it is open is done, though its source never gives a row", async () => {
  const opened = Promise.withResolvers<void>();
  const closing = new AbortController();
  const channel = createChannel<number>({
    attempt: "channel-0",
    client: {} as AgentClient,
    source: never(),
    opened: opened.promise,
    signal: closing.signal,
    onClosed: () => undefined,
    onFailed: (error) => {
      throw error;
    },
    onUnused: () => undefined,
    unread: new AbortController().signal,
  });
  closing.abort();
  opened.resolve();
  await soon("its end", channel.done);
});

const full = async (): Promise<void> => {
  throw new LucioleError("disk-full", "Cannot write: the disk of agent a1 is full");
};
const fine = async (): Promise<void> => undefined;

test.each([
  ["opened", full, {}],
  ["written", fine, { appendToChannel: full }],
  ["closed", fine, { appendToChannel: fine, closeChannel: full }],
])("a channel that cannot be %s does not blame its source", async (_, open, client) => {
  const failed: string[] = [];
  const channel = createChannel<number>({
    attempt: "channel-0",
    client: client as unknown as AgentClient,
    source: [1],
    opened: open(),
    signal: new AbortController().signal,
    onClosed: () => undefined,
    onFailed: ({ message }) => failed.push(message),
    onUnused: () => undefined,
    unread: new AbortController().signal,
  });
  await expect(soon("its end", channel.done)).rejects.toThrow("the disk of agent a1 is full");
  expect(failed).toEqual(["Cannot go on with channel-0: Cannot write: the disk of agent a1 is full"]);
});
