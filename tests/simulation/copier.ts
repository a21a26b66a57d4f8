/**
 * Copies shards to the checkpoint of a simulated program and brings them back to agents, as net/checkpoint/shard_copier.ts
 * does; now and then a copy cannot be made, or cannot be read any more.
 */
import type { JobCommand, JobEvent } from "../../core/schedule/job_state.ts";
import type { AgentLine } from "./agent_line.ts";
import type { Copies } from "./copies.ts";
import type { Process } from "./network.ts";
import { add, type Content, NO_ROWS, rowsOf } from "./rows.ts";
import { type World, wireError } from "./world.ts";

type CommandOf<Kind extends JobCommand["kind"]> = Extract<JobCommand, { kind: Kind }>;

const UNREADABLE = 10;
const BYTES = 10;

export interface CopierOptions {
  readonly job: string;
  readonly copies: Copies;
  readonly driver: Process & {
    readonly lines: ReadonlyMap<string, AgentLine>;
    feed(event: JobEvent): void;
  };
}

export class Copier {
  readonly #options: CopierOptions;
  readonly #world: World;

  constructor(options: CopierOptions, world: World) {
    this.#options = options;
    this.#world = world;
  }

  keep({ execution, group, shard, pieces }: CommandOf<"keep">): void {
    const { copies, driver, job } = this.#options;
    const contents: Content[] = [];
    const told = (isKept: boolean): void =>
      driver.feed({ kind: "shardKept", execution, group, shard, isKept });
    const next = (): void => {
      const piece = pieces[contents.length];
      if (piece === undefined) {
        if (!copies.random.chance(UNREADABLE)) {
          copies.keep(execution, group, shard, [
            contents.map((content) => rowsOf(content, -1)).reduce(add, NO_ROWS),
          ]);
          told(true);
        } else told(false);
        return;
      }
      const to = this.#world.agents.get(piece.agent);
      if (to === undefined) throw new Error(`${piece.attempt} is on ${piece.agent}, which never was`);
      this.#world.network.call<Content | undefined>({
        from: driver,
        to,
        handle: (answer) => {
          const part = to.jobs.get(job);
          if (part === undefined) answer(undefined);
          else part.find(piece.attempt, answer);
        },
        onAnswer: (content) => {
          if (content === undefined) told(false);
          else {
            contents.push(content);
            next();
          }
        },
        onBroken: () => told(false),
      });
    };
    next();
  }

  restore({ execution, group, task, attempt }: CommandOf<"restore">): void {
    const { copies, driver } = this.#options;
    const { random } = copies;
    const content = copies.find(execution, group, task);
    const place = { execution, group, task };
    const fail = (code: string, why: string): void => {
      const error = wireError(code, `the copy for ${attempt} cannot be brought: ${why}`);
      this.#world.timeline.after(random.below(20), () =>
        driver.feed({ kind: "restoreFailed", ...place, error }),
      );
    };
    if (content === undefined || random.chance(UNREADABLE)) {
      fail("checkpoint-damaged", "it cannot be read");
      return;
    }
    const brought = (agent: string): void => {
      const [{ rows, sum }] = content;
      const isEmpty = rows === 0 && sum === 0;
      const size = isEmpty
        ? { rows: 0, bytes: 0, chunks: 0 }
        : { rows: Math.max(1, rows), bytes: BYTES, chunks: 1 };
      driver.feed({ kind: "shardRestored", ...place, attempt, agent, shard: { partitions: [size] } });
    };
    this.#bring(attempt, content, brought, () => fail("agents-lost", "the job has no agent any more"));
  }

  #bring(attempt: string, content: Content, onBrought: (agent: string) => void, onNone: () => void): void {
    const { copies, driver } = this.#options;
    const agents = [...driver.lines.keys()];
    if (!driver.isUp) return;
    if (agents.length === 0) {
      onNone();
      return;
    }
    const agent = copies.random.pick(agents);
    const line = driver.lines.get(agent);
    let isUnknown = false;
    line?.queue(
      (part) => part.restore(attempt, content),
      () => {
        isUnknown = true;
      },
      () => {
        if (!isUnknown && line.isThere) onBrought(agent);
        else this.#world.timeline.after(1, () => this.#bring(attempt, content, onBrought, onNone));
      },
    );
  }
}
