/** Mail between workers of one agent, which finds its way from requests to lines in the midst of a conversation. */
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Letter } from "../../../core/collectives/letter.ts";
import { encode } from "../../../net/cbor.ts";
import type { Mail } from "../../../net/mail.ts";
import { frameParts } from "../../../net/worker/line_frames.ts";
import { MailRoom } from "../../../net/worker/mail_room.ts";
import { randomNumbers } from "../../simulation/random.ts";

const SEED = Number(process.env.LUCIOLE_SEED ?? 1);
const NOTHING = new Uint8Array(0);
const PING = { kind: "value", sequence: 0, label: "ping", payload: NOTHING } as const;

/** Workers of one agent, which takes a while for each piece of mail. */
class Rooms {
  readonly directory = mkdtempSync(join(tmpdir(), "luciole-lines-"));
  readonly rooms: readonly MailRoom[];
  /** Letters by way of the agent. */
  byAgent = 0;
  readonly #streams: ReadableStreamDefaultController<Uint8Array>[] = [];

  /** @param lostMs See GangPostOptions. */
  constructor(size: number, random: () => number, lostMs?: number) {
    this.rooms = Array.from({ length: size }, (_, worker) => {
      const open = async (): Promise<ReadableStream<Uint8Array>> =>
        new ReadableStream({
          start: (controller) => {
            this.#streams[worker] = controller;
          },
        });
      const send = async (mail: readonly Mail[]): Promise<void> => {
        this.byAgent += mail.filter(({ kind }) => kind !== "line").length;
        // Some of it comes long after a line is there.
        for (let turns = Math.floor(random() * 8); turns > 0; turns--) await new Promise(setImmediate);
        for (const each of mail) this.#streams[each.worker].enqueue(encode(each));
      };
      const onLost = (error: unknown): void => {
        throw error;
      };
      const lines = { directory: this.directory, worker };
      return new MailRoom({ send, open, onLost, lines, ...(lostMs === undefined ? {} : { lostMs }) });
    });
  }

  /** How many of them others can dial. */
  get reachable(): number {
    const sockets = readdirSync(this.directory);
    return sockets.filter((name) => (statSync(join(this.directory, name)).mode & 0o777) === 0o600).length;
  }

  join(gang: string, hear: (rank: number, from: number, letter: Letter) => void) {
    const members = this.rooms.map((_, worker) => ({ worker, agent: "a", host: "h" }));
    return this.rooms.map((room, rank) => {
      const port = room.portOf({ id: gang, rank, members, epoch: 1 });
      port.join((from, letter) => hear(rank, from, letter));
      return port.ports.post;
    });
  }

  close(): void {
    for (const room of this.rooms) room.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

let world: Rooms | undefined;
afterEach(() => world?.close());

function open(size: number, random: () => number, lostMs?: number): Rooms {
  world = new Rooms(size, random, lostMs);
  return world;
}

/** Turns of the loop until it holds. */
async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 50_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error("it never came");
    await new Promise(setImmediate);
  }
}

test("letters come once and in order while lines take over from the agent", async () => {
  for (let seed = SEED; seed < SEED + 5; seed++) {
    const random = randomNumbers(seed);
    const rooms = open(4, random);
    const heard = new Map<string, number[]>();
    let count = 0;
    const posts = rooms.join("g1", (rank, from, { sequence, payload }) => {
      const key = `${from} ${rank}`;
      heard.set(key, [...(heard.get(key) ?? []), sequence]);
      expect(payload.byteLength).toBe(sequence % 7 === 0 ? 100_000 : 3);
      count += 1;
    });
    const next = new Map<string, number>();
    const deadline = performance.now() + 30_000;
    let sent = 0;
    const send = (from: number, to: number): void => {
      const sequence = next.get(`${from} ${to}`) ?? 0;
      next.set(`${from} ${to}`, sequence + 1);
      const payload = new Uint8Array(sequence % 7 === 0 ? 100_000 : 3);
      posts[from](to, { kind: "value", sequence, label: "send", payload });
      sent += 1;
    };
    for (const rank of [0, 1, 2, 3]) send((rank + 1) % 4, rank);
    // Sockets take other threads of a busy machine; all that comes after is a matter of turns.
    await until(() => rooms.reachable === 4);
    while (sent < 3000) {
      for (let burst = Math.floor(random() * 30); burst > 0; burst--) {
        const from = Math.floor(random() * 4);
        send(from, (from + 1 + Math.floor(random() * 3)) % 4);
      }
      await new Promise(setImmediate);
    }
    while (count < sent && performance.now() < deadline) await new Promise(setImmediate);
    for (const [key, sequences] of heard)
      expect(sequences).toEqual(Array.from({ length: next.get(key) ?? 0 }, (_, i) => i));
    expect(count).toBe(sent);
    expect(rooms.byAgent).toBeGreaterThan(0);
    expect(rooms.byAgent).toBeLessThan(sent / 2);
    rooms.close();
  }
}, 60_000);

test("a gang that is over hears nothing of lines, and a stranger opens none", async () => {
  const rooms = open(2, () => 0.9);
  const heard: string[] = [];
  // However long it takes until there are lines: then they talk on them for a while.
  const onLines = (): number => heard.length - rooms.byAgent;
  const talk = async (gang: string): Promise<void> => {
    const enough = onLines() + 20;
    const answered = Promise.withResolvers<void>();
    const posts = rooms.join(gang, (rank, _, { label }) => {
      heard.push(`${gang} ${label}`);
      if (rank === 1) posts[1](0, { ...PING, label: "pong" });
      else if (onLines() >= enough) answered.resolve();
      else posts[0](1, PING);
    });
    posts[0](1, PING);
    await answered.promise;
    rooms.rooms[1].leave(gang);
    // Nobody is there to hear it.
    posts[0](1, { ...PING, label: "late" });
    await new Promise(setImmediate);
    rooms.rooms[0].leave(gang);
  };
  await talk("g1");
  const [socket] = readdirSync(rooms.directory);
  const stranger = connect({ path: join(rooms.directory, socket) });
  const closed = new Promise((resolve) => stranger.on("close", resolve));
  const hello = { gang: "g1", from: 0, to: 1, after: 0 };
  for (const part of frameParts(["no key", hello], NOTHING)) stranger.write(part);
  await closed;
  await talk("g2");
  expect(heard.filter((each) => each.endsWith("late"))).toEqual([]);
  expect(new Set(heard)).toEqual(new Set(["g1 ping", "g1 pong", "g2 ping", "g2 pong"]));
}, 60_000);

test("lines that are closed tell of a loss, but not who has closed its own room", async () => {
  for (const isClosed of [false, true]) {
    const rooms = open(2, () => 0, 1);
    const heard: string[] = [];
    const posts = rooms.join("g1", (_rank, _from, { kind }) => void heard.push(kind));
    let sent = 0;
    let byAgent = -1;
    // Until both of them go on lines.
    while (rooms.byAgent > byAgent) {
      byAgent = rooms.byAgent;
      for (const rank of [0, 1]) posts[rank](1 - rank, PING);
      sent += 2;
      await until(() => heard.length === sent);
    }
    rooms.rooms[0].close();
    if (isClosed) rooms.rooms[1].close();
    const deadline = performance.now() + 100;
    await until(() => (isClosed ? performance.now() > deadline : heard.includes("lost")));
    expect(heard.filter((kind) => kind === "lost").length).toBe(isClosed ? 0 : 1);
    rooms.close();
  }
}, 60_000);
