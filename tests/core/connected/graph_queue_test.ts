/** The queue of executions that ask for workers: hand-written stories, and random ones against its invariants. */
import { describe, expect, test } from "bun:test";
import type { WorkerPlace } from "../../../core/connected/graph_places.ts";
import { chooseWorkers } from "../../../core/connected/graph_places.ts";
import { type GraphCommand, type GraphEvent, GraphQueue } from "../../../core/connected/graph_queue.ts";
import { Random } from "../../simulation/random.ts";

/** So many agents with so many workers each. */
function places(agents: number, slots: number): WorkerPlace[] {
  return Array.from({ length: agents * slots }, (_, worker) => ({
    worker,
    agent: `a${Math.floor(worker / slots)}`,
    isBusy: false,
  }));
}

const NOWHERE = new Map<string, number>();

function asks(execution: string, count: number, mayQueue = true, width = 1): GraphEvent {
  return {
    kind: "asked",
    graph: { execution, flow: `flow-${execution}`, mayQueue, wants: { count, width, inputs: NOWHERE } },
  };
}

function names(execution: string, workers: readonly number[]): GraphEvent {
  return { kind: "asked", graph: { execution, flow: "named", mayQueue: true, wants: { workers } } };
}

function short(commands: readonly GraphCommand[]): string[] {
  return commands.map((command) => {
    if (command.kind === "granted") return `${command.execution} ${command.workers.join(" ")}`;
    return `${command.execution} ${command.kind}`;
  });
}

class Story {
  readonly queue = new GraphQueue();
  places: readonly WorkerPlace[];
  mayGrow = false;
  now = 0;
  readonly open = new Set<string>();

  constructor(agents: number, slots: number) {
    this.places = places(agents, slots);
  }

  tell(event: GraphEvent): readonly GraphCommand[] {
    const isOpen = (execution: string): boolean => this.open.has(execution);
    const commands = this.queue.apply(
      event,
      { places: this.places, mayGrow: this.mayGrow, isOpen },
      this.now,
    );
    this.queue.check();
    return commands;
  }

  short(event: GraphEvent): string[] {
    return short(this.tell(event));
  }
}

describe("chooseWorkers()", () => {
  test("takes idle workers first, then those whose agent holds most of what is read, then by number", () => {
    const all = places(2, 2).map((place) => ({ ...place, isBusy: place.worker === 3 }));
    const inputs = new Map([["a1", 5]]);
    const choose = (count: number) => chooseWorkers(all, { count, width: 1, inputs })?.workers;
    expect([choose(1), choose(2), choose(3), choose(4), choose(5)]).toEqual([
      [2],
      [0, 2],
      [0, 1, 2],
      [0, 1, 2, 3],
      undefined,
    ]);
  });

  test("puts workers of one agent behind each that needs more than one has", () => {
    const choose = (count: number) => chooseWorkers(places(2, 3), { count, width: 2, inputs: NOWHERE });
    expect(choose(2)).toEqual({ workers: [0, 3], taken: [0, 1, 3, 4] });
    expect(choose(3)).toBeUndefined();
  });
});

describe("GraphQueue", () => {
  test("gives disjoint sets, and lets nobody overtake who waits", () => {
    const story = new Story(2, 2);
    expect(story.short(asks("a", 3))).toEqual(["a 0 1 2"]);
    expect(story.short(asks("b", 2))).toEqual(["b queued"]);
    expect(story.short(asks("c", 1))).toEqual(["c queued"]);
    expect(story.short({ kind: "left", execution: "a" })).toEqual(["b 0 1", "c 2"]);
  });

  test("gives who leaves the line no room, and those behind it the room that it waited for", () => {
    const story = new Story(1, 2);
    story.tell(asks("a", 1));
    story.tell(asks("b", 2));
    story.tell(asks("c", 1));
    expect(story.short({ kind: "left", execution: "b" })).toEqual(["c 1"]);
    expect(story.short({ kind: "left", execution: "b" })).toEqual([]);
  });

  test("gives named workers at once, also those of others, and passes over them for numbers", () => {
    const story = new Story(1, 3);
    expect(story.short(names("a", [1]))).toEqual(["a 1"]);
    expect(story.short(names("b", [1, 2]))).toEqual(["b 1 2"]);
    expect(story.short(asks("c", 1))).toEqual(["c 0"]);
    expect(story.short(names("d", [3]))).toEqual(["d refused"]);
  });

  test("C4: refuses what can never be given, or has it wait for workers that may join, but not for ever", () => {
    const story = new Story(1, 2);
    expect(story.short(asks("a", 3))).toEqual(["a refused"]);
    expect(story.short(asks("b", 1, true, 3))).toEqual(["b refused"]);
    story.mayGrow = true;
    expect(story.short(asks("c", 3))).toEqual(["c queued"]);
    expect(story.short(asks("d", 4))).toEqual(["d queued"]);
    expect(story.short(asks("e", 3, false))).toEqual(["e refused"]);
    story.places = places(1, 3);
    expect(story.short({ kind: "workersChanged" })).toEqual(["c 0 1 2"]);
    story.now = story.queue.nextDeadline();
    expect(story.short({ kind: "tick" })).toEqual(["d refused"]);
    expect(story.queue.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  test("leaves who lost all of its workers without any while others may come, and gives it these", () => {
    const story = new Story(1, 2);
    story.tell(asks("a", 1));
    story.mayGrow = true;
    story.places = [];
    expect(story.short({ kind: "workersChanged" })).toEqual([]);
    story.places = places(1, 3).slice(2);
    expect(story.short({ kind: "workersChanged" })).toEqual(["a 2"]);
    story.mayGrow = false;
    story.places = [];
    expect(story.short({ kind: "workersChanged" })).toEqual(["a refused"]);
  });

  test("waits for what may take hours, looking now and then, and not at all while nobody waits", () => {
    const story = new Story(1, 2);
    story.tell(asks("a", 2));
    expect(story.queue.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    story.tell(asks("b", 1));
    for (let look = 0; look < 1_000; look += 1) {
      const before = story.now;
      story.now = story.queue.nextDeadline();
      expect(story.now - before).toBeGreaterThanOrEqual(1_000);
      expect(story.tell({ kind: "tick" })).toEqual([]);
    }
    expect(story.short({ kind: "left", execution: "a" })).toEqual(["b 0"]);
    expect(story.queue.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  test("C4: refuses who waits for workers of an execution whose channel stays open", () => {
    const story = new Story(1, 2);
    story.tell(asks("stream", 2));
    expect(story.short(asks("a", 1))).toEqual(["a queued"]);
    story.open.add("stream");
    // A channel that is closed in time is no reason.
    story.now = story.queue.nextDeadline();
    expect(story.tell({ kind: "tick" })).toEqual([]);
    story.open.clear();
    story.now = story.queue.nextDeadline();
    expect(story.tell({ kind: "tick" })).toEqual([]);
    story.open.add("stream");
    const refused: GraphCommand[] = [];
    const since = story.now;
    while (refused.length === 0) {
      story.now = story.queue.nextDeadline();
      expect(story.now - since).toBeLessThan(120_000);
      refused.push(...story.tell({ kind: "tick" }));
    }
    const [command] = refused;
    expect(command.kind === "refused" && command.error.message).toEndWith(
      'held by "flow-stream" (stream, which reads an open channel)',
    );
    expect(story.queue.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  test("gives others in the place of workers that are gone, unless they were named", () => {
    const story = new Story(3, 1);
    story.tell(asks("a", 1));
    story.tell(names("b", [0]));
    story.places = places(3, 1).slice(1);
    expect(story.short({ kind: "workersChanged" })).toEqual(["a 1"]);
    expect(story.short(asks("c", 1))).toEqual(["c 2"]);
    story.places = places(3, 1).slice(2);
    // It has begun, so it goes on where others are.
    expect(story.short({ kind: "workersChanged" })).toEqual(["a 2"]);
    story.places = [];
    expect(story.short({ kind: "workersChanged" })).toEqual(["a refused", "c refused"]);
  });

  test("gives a worker program as many as it had when one of its workers is gone", () => {
    const story = new Story(4, 1);
    const program = asks("p", 2);
    if (program.kind !== "asked") throw new Error("it asks");
    story.tell({ ...program, graph: { ...program.graph, isGang: true } });
    story.tell(asks("a", 2));
    story.places = places(4, 1).slice(1);
    // All others are held: it shares one.
    expect(story.short({ kind: "workersChanged" })).toEqual(["p 1 2"]);
    story.tell({ kind: "left", execution: "a" });
    story.places = places(4, 1).slice(2);
    expect(story.short({ kind: "workersChanged" })).toEqual(["p 2 3"]);
    story.places = places(4, 1).slice(3);
    expect(story.short({ kind: "workersChanged" })).toEqual([]);
    story.places = places(5, 1).slice(3);
    expect(story.short({ kind: "workersChanged" })).toEqual(["p 3 4"]);
  });

  test("leaves a worker program its members when no others are there: it may need none before its end", () => {
    const story = new Story(3, 1);
    const gang = (event: GraphEvent): GraphEvent =>
      event.kind === "asked" ? { ...event, graph: { ...event.graph, isGang: true } } : event;
    story.tell(gang(asks("p", 2)));
    story.tell(gang(names("n", [0, 2])));
    story.places = places(3, 1).slice(0, 1);
    expect(story.short({ kind: "workersChanged" })).toEqual([]);
    expect(story.queue.heldBy("p")).toEqual([0, 1]);
    expect(story.queue.heldBy("n")).toEqual([0, 2]);
    story.queue.check();
    story.tell({ kind: "left", execution: "p" });
    expect(story.short(asks("q", 1))).toEqual(["q queued"]);
    story.tell({ kind: "left", execution: "n" });
    expect(story.queue.heldBy("q")).toEqual([0]);
  });

  test("keeps its invariants in any story, and leaves nobody waiting when all have left", () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = new Random(seed);
      const story = new Story(1 + random.below(3), 1 + random.below(3));
      const open = new Set<string>();
      const settled = new Set<string>();
      const tell = (event: GraphEvent) => {
        for (const command of story.tell(event)) {
          if (command.kind === "queued") continue;
          settled.add(command.execution);
          if (command.kind === "refused") open.delete(command.execution);
        }
      };
      for (let i = 0; i < 40; i += 1) {
        const kind = random.below(5);
        const id = `e${i}`;
        if (kind < 2) {
          open.add(id);
          const some = story.places.map(({ worker }) => worker).filter(() => random.chance(2));
          const isNamed = random.chance(4) && some.length > 0;
          tell(
            isNamed ? names(id, some) : asks(id, 1 + random.below(4), !random.chance(4), 1 + random.below(2)),
          );
        } else if (kind < 4 && open.size > 0) {
          const execution = random.pick([...open]);
          open.delete(execution);
          tell({ kind: "left", execution });
        } else {
          story.mayGrow = random.chance(2);
          story.places = places(1 + random.below(3), 1 + random.below(3));
          tell({ kind: "workersChanged" });
        }
        story.now += random.below(10_000);
      }
      for (const execution of [...open]) if (settled.has(execution)) tell({ kind: "left", execution });
      story.mayGrow = false;
      for (let i = 0; i < 40; i += 1) {
        story.now += 100_000;
        tell({ kind: "tick" });
        for (const execution of settled) if (open.delete(execution)) tell({ kind: "left", execution });
      }
      expect([seed, ...open]).toEqual([seed]);
    }
  });
});
