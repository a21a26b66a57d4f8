/** The run of a metagraph: hand-written stories, and random ones against its invariants. */
import { describe, expect, test } from "bun:test";
import { type MetagraphCommand, MetagraphRun } from "../../../core/metagraph/metagraph_run.ts";
import type { MetagraphPlan } from "../../../core/metagraph/plan_metagraph.ts";
import { Random } from "../../simulation/random.ts";

/** "a b" for b reads a. */
function plan(order: string, ...reads: string[]): MetagraphPlan {
  const edges = reads.map((text, i) => {
    const [from, to] = text.split(" ");
    return { from, path: "", to, param: `p${i}` };
  });
  return { order: order.split(" "), edges };
}

const DIAMOND = plan("a b c d", "a b", "a c", "b d", "c d");

function short(commands: readonly MetagraphCommand[]): string[] {
  return commands.map((command) => {
    if (command.kind !== "ended") return `${command.kind} ${command.vertex}`;
    return command.failure === undefined ? "ended" : `ended by ${command.failure.error}`;
  });
}

class Story {
  readonly run: MetagraphRun;

  constructor(graph: MetagraphPlan, kept: readonly string[] = []) {
    this.run = new MetagraphRun(graph, { kept: new Set(kept) });
  }

  begin(): string[] {
    return this.#tell({ kind: "begin" });
  }

  done(vertex: string): string[] {
    return this.#tell({ kind: "done", vertex });
  }

  fail(vertex: string, error = vertex): string[] {
    return this.#tell({ kind: "failed", vertex, error });
  }

  cancel(): string[] {
    return this.#tell({ kind: "cancelled", error: "user" });
  }

  #tell(event: Parameters<MetagraphRun["apply"]>[0]): string[] {
    const commands = this.run.apply(event);
    this.run.check();
    return short(commands);
  }
}

describe("MetagraphRun", () => {
  test("runs thousands of vertices, each reading the one before it", () => {
    const names = Array.from({ length: 3_000 }, (_, i) => `v${i}`);
    const story = new Story(plan(names.join(" "), ...names.slice(1).map((name, i) => `v${i} ${name}`)));
    expect(story.begin()).toEqual(["start v0"]);
    for (const name of names.slice(0, -1)) story.run.apply({ kind: "done", vertex: name });
    expect(story.done(names[2_999])).toEqual(["release v2998", "ended"]);
  }, 60_000);

  test("runs what does not depend on each other at once, and frees what was read", () => {
    const story = new Story(DIAMOND);
    expect(story.begin()).toEqual(["start a"]);
    expect(story.done("a")).toEqual(["start b", "start c"]);
    expect(story.done("c")).toEqual([]);
    expect(story.done("b")).toEqual(["release a", "start d"]);
    expect(story.done("d")).toEqual(["release b", "release c", "ended"]);
  });

  test("keeps what is to be kept, and frees once what is read twice by one", () => {
    const story = new Story(plan("a b c", "a c", "a c", "b c"), ["b"]);
    expect(story.begin()).toEqual(["start a", "start b"]);
    story.done("a");
    expect(story.done("b")).toEqual(["start c"]);
    expect(story.done("c")).toEqual(["release a", "ended"]);
  });

  test("cancels siblings and what depends on a failure, and tells the first cause when nothing runs", () => {
    const story = new Story(DIAMOND);
    story.begin();
    story.done("a");
    expect(story.fail("b", "first")).toEqual(["cancel c"]);
    expect(story.fail("c", "second")).toEqual(["ended by first"]);
  });

  test("a sibling that comes to its end all the same changes nothing", () => {
    const story = new Story(DIAMOND);
    story.begin();
    story.done("a");
    story.fail("c");
    expect(story.done("b")).toEqual(["ended by c"]);
  });

  test("can be cancelled at any time", () => {
    const story = new Story(DIAMOND);
    story.begin();
    expect(story.cancel()).toEqual(["cancel a"]);
    expect(story.cancel()).toEqual([]);
    expect(story.fail("a", "cancelled")).toEqual(["ended by user"]);
    expect(story.cancel()).toEqual([]);
  });

  test("an empty one ends at once, and what cannot be is told with its story", () => {
    expect(new Story({ order: [], edges: [] }).begin()).toEqual(["ended"]);
    const story = new Story(DIAMOND);
    story.begin();
    expect(() => story.done("d")).toThrow(
      "Moving vertex d: it is waiting, which done may not follow; its story: begin; d done",
    );
  });

  test("starts each vertex once after all that it reads, and ends once, in any story", () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const random = new Random(seed);
      const names = Array.from({ length: 1 + random.below(7) }, (_, i) => `v${i}`);
      const edges = names.flatMap((to, i) =>
        names.slice(0, i).flatMap((from) => (random.chance(3) ? [`${from} ${to}`] : [])),
      );
      const story = new Story(plan(names.join(" "), ...edges));
      const running: string[] = [];
      const started: string[] = [];
      const ends: string[] = [];
      const released: string[] = [];
      const take = (commands: readonly string[]): void => {
        for (const command of commands) {
          const [kind, vertex] = command.split(" ");
          if (kind === "start") running.push(vertex);
          if (kind === "start") started.push(vertex);
          if (kind === "ended") ends.push(command);
          if (kind === "release") released.push(vertex);
        }
      };
      take(story.begin());
      const isFlaky = random.chance(2);
      while (running.length > 0) {
        const [vertex] = running.splice(random.below(running.length), 1);
        if (isFlaky && random.chance(6)) take(story.fail(vertex));
        else take(story.done(vertex));
        if (isFlaky && random.chance(30)) take(story.cancel());
      }
      expect(ends.length).toBe(1);
      expect(new Set(started).size).toBe(started.length);
      expect(new Set(released).size).toBe(released.length);
      if (ends[0] === "ended") {
        expect(started.toSorted()).toEqual(names.toSorted());
        expect(new Set(released)).toEqual(new Set(edges.map((edge) => edge.split(" ")[0])));
      }
    }
  });
});
