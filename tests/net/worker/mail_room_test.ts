/** Mail between workers of one agent, which finds its way from requests to lines in the midst of a conversation. */
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
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

/** Workers of one agent, which takes a while for each piece of mail. */
class Rooms {
  readonly directory = mkdtempSync(join(tmpdir(), "luciole-lines-"));
  readonly rooms: readonly MailRoom[];
  /** Letters by way of the agent. */
  byAgent = 0;
  readonly #streams: ReadableStreamDefaultController<Uint8Array>[] = [];

  constructor(size: number, random: () => number) {
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
      return new MailRoom({ send, open, onLost, lines: { directory: this.directory, worker } });
    });
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

function open(size: number, random: () => number): Rooms {
  world = new Rooms(size, random);
  return world;
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
    while (sent < 3000) {
      for (let burst = Math.floor(random() * 30); burst > 0; burst--) {
        const from = Math.floor(random() * 4);
        const to = (from + 1 + Math.floor(random() * 3)) % 4;
        const sequence = next.get(`${from} ${to}`) ?? 0;
        next.set(`${from} ${to}`, sequence + 1);
        const payload = new Uint8Array(sequence % 7 === 0 ? 100_000 : 3);
        posts[from](to, { kind: "value", sequence, label: "send", payload });
        sent += 1;
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
  const talk = async (gang: string): Promise<void> => {
    const answered = Promise.withResolvers<void>();
    const posts = rooms.join(gang, (rank, _, { label }) => {
      heard.push(`${gang} ${label}`);
      if (rank === 1) posts[1](0, { kind: "value", sequence: 0, label: "pong", payload: NOTHING });
      else if (heard.length % 40 === 0) answered.resolve();
      else posts[0](1, { kind: "value", sequence: 0, label: "ping", payload: NOTHING });
    });
    posts[0](1, { kind: "value", sequence: 0, label: "ping", payload: NOTHING });
    await answered.promise;
    rooms.rooms[1].leave(gang);
    // Nobody is there to hear it.
    posts[0](1, { kind: "value", sequence: 0, label: "late", payload: NOTHING });
    await new Promise(setImmediate);
    rooms.rooms[0].leave(gang);
  };
  await talk("g1");
  const before = rooms.byAgent;
  expect(before).toBeLessThan(40);
  const [socket] = readdirSync(rooms.directory);
  const stranger = connect({ path: join(rooms.directory, socket) });
  const closed = new Promise((resolve) => stranger.on("close", resolve));
  const hello = { gang: "g1", from: 0, to: 1, after: 0 };
  for (const part of frameParts(["no key", hello], NOTHING)) stranger.write(part);
  await closed;
  await talk("g2");
  expect(heard.filter((each) => each.endsWith("late"))).toEqual([]);
  expect(heard.length).toBe(80);
}, 60_000);
