/** One member's letters: the order of two ways, and what becomes of a line that ends too soon. */
import { expect, test } from "bun:test";
import type { Letter } from "../../../core/collectives/letter.ts";
import { GangPost, type PostedLetter } from "../../../net/worker/gang_post.ts";
import type { LineFrame } from "../../../net/worker/line_frames.ts";
import type { Hello, IncomingLine, Line } from "../../../net/worker/worker_lines.ts";

const NOTHING = new Uint8Array(0);
const letter = (sequence: number): PostedLetter => ({
  kind: "value",
  sequence,
  label: "send",
  payload: NOTHING,
});
const frame = (sequence: number, kind = "value"): LineFrame => ({
  head: { kind, sequence, label: "" },
  payload: NOTHING,
});
const mail = (each: PostedLetter) => ({ ...each, gang: "g", from: 1, agent: "a", worker: 0 });

/** Rank 0 of two, what it heard, and what it sent by way of the agent. */
function member() {
  const heard: string[] = [];
  const posted: PostedLetter[] = [];
  const opened: ((line: Line) => Hello)[] = [];
  const hear = (_: number, { kind, sequence }: Letter): void => void heard.push(`${kind} ${sequence}`);
  const post = new GangPost(
    {
      gang: "g",
      rank: 0,
      size: 2,
      lostMs: 1,
      isNear: () => true,
      post: (_, each) => void posted.push(each),
      address: () => Promise.resolve("here"),
      dial: (_, onOpen) => void opened.push(onOpen),
    },
    hear,
  );
  return { heard, posted, opened, post };
}

function incoming(post: GangPost, after: number) {
  let [onFrame, onClosed] = [(_: LineFrame): void => undefined, (): void => undefined];
  const line: IncomingLine = {
    listen: (...listeners) => {
      [onFrame, onClosed] = listeners;
    },
    close: () => undefined,
  };
  const isWanted = post.accept({ gang: "g", from: 1, to: 0, after }, line);
  return { isWanted, take: (each: LineFrame) => onFrame(each), end: () => onClosed() };
}

test("what came on a line waits for what was sent before it by way of the agent", () => {
  const { heard, post } = member();
  const line = incoming(post, 2);
  line.take(frame(3));
  post.hear(mail(letter(1)));
  line.take(frame(4));
  expect(heard).toEqual(["value 1"]);
  post.hear(mail(letter(2)));
  line.take(frame(5));
  expect(heard).toEqual(["value 1", "value 2", "value 3", "value 4", "value 5"]);
  expect(incoming(post, 2).isWanted).toBe(false);
  expect(post.accept({ gang: "g", from: 1, to: 1, after: 0 }, { listen: () => {}, close: () => {} })).toBe(
    false,
  );
});

test("nothing goes by way of the agent once the line is open, and its hello counts what did", () => {
  const { posted, opened, post } = member();
  const sent: unknown[] = [];
  post.send(1, letter(1));
  post.hear(mail({ ...letter(0), kind: "line", label: "there" }));
  post.send(1, letter(2));
  post.send(1, letter(3));
  expect(opened.length).toBe(1);
  const hello = opened[0]({ send: (head) => void sent.push(head), end: () => undefined });
  expect(hello).toEqual({ gang: "g", from: 0, to: 1, after: 3 });
  post.send(1, letter(4));
  expect(posted.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  expect(sent).toEqual([{ kind: "value", sequence: 4, label: "send" }]);
});

test("a member whose line ends before it has returned counts as lost, after a while", async () => {
  const { heard, post } = member();
  incoming(post, 0).end();
  expect(heard).toEqual([]);
  const deadline = performance.now() + 10_000;
  while (heard.length === 0 && performance.now() < deadline) await new Promise(setImmediate);
  expect(heard).toEqual(["lost 0"]);

  const returned = member();
  const line = incoming(returned.post, 0);
  line.take(frame(1, "returned"));
  line.end();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(returned.heard).toEqual(["returned 1"]);
});
