/**
 * How a simulated driver reads a dataset that is whole: part after part from their agents, again where one does not
 * answer, and what is lost once it is computed again, as net/driver/reading/read_dataset.ts does.
 */

import type { JobEvent, JobState } from "../../core/schedule/job_state.ts";
import { datasetPieces, isRecovering } from "../../core/schedule/shards/dataset_reads.ts";
import type { Process } from "./network.ts";
import { add, type Content, NO_ROWS, type Rows, rowsOf, type Shards } from "./rows.ts";
import type { World } from "./world.ts";

const AGAIN_MS = 100;
const MAX_LOSSES = 5;

export interface CollectionOptions {
  readonly job: string;
  readonly dataset: string;
  readonly driver: Process & {
    readonly state: JobState;
    readonly datasets: ReadonlyMap<string, Shards>;
    feed(event: JobEvent): void;
  };
  readonly onRead: (error?: string) => void;
}

export class Collection {
  readonly #options: CollectionOptions;
  readonly #world: World;
  #sum: Rows = NO_ROWS;
  #losses = 0;

  constructor(options: CollectionOptions, world: World) {
    this.#options = options;
    this.#world = world;
  }

  begin(): void {
    this.#read(0);
  }

  /** Parts of a dataset: a shard that was divided has several. */
  get #parts(): number {
    const { driver, dataset } = this.#options;
    return driver.state.outputs.get(dataset)?.group.tasks.length ?? 0;
  }

  #read(part: number): void {
    const { driver, dataset, job, onRead } = this.#options;
    if (!driver.isUp) return;
    if (part >= this.#parts) {
      this.#check();
      return;
    }
    const [located] = this.#locate(part);
    if (located === undefined) {
      if (isRecovering(driver.state, dataset)) this.#world.timeline.after(AGAIN_MS, () => this.#read(part));
      else onRead(`part ${part} of ${dataset} was lost`);
      return;
    }
    const { agent, attempt } = located;
    const to = this.#world.agents.get(agent);
    if (to === undefined) throw new Error(`${attempt} is on ${agent}, which never was`);
    this.#world.network.call<Content | undefined>({
      from: driver,
      to,
      handle: (answer) => {
        const there = to.jobs.get(job);
        if (there === undefined) answer(undefined);
        else there.find(attempt, answer);
      },
      onAnswer: (content) => {
        if (content === undefined) this.#lose(part, attempt);
        else {
          this.#losses = 0;
          this.#sum = add(this.#sum, rowsOf(content, -1));
          this.#read(part + 1);
        }
      },
      onBroken: () => this.#lose(part, attempt),
    });
  }

  #locate(part: number): readonly { readonly agent: string; readonly attempt: string }[] {
    const { driver, dataset } = this.#options;
    try {
      return datasetPieces(driver.state, dataset, part).map(({ piece }) => piece);
    } catch {
      // Its execution is broken.
      return [];
    }
  }

  #lose(part: number, attempt: string): void {
    const { driver, dataset, onRead } = this.#options;
    this.#losses += 1;
    if (this.#losses >= MAX_LOSSES) {
      onRead(`part ${part} of ${dataset} was lost too often`);
      return;
    }
    driver.feed({ kind: "shardLost", attempt, cause: "it cannot be read" });
    this.#read(part);
  }

  #check(): void {
    const { driver, dataset, onRead } = this.#options;
    const expected = (driver.datasets.get(dataset) ?? []).map((content) => rowsOf(content, -1));
    const { rows, sum } = expected.reduce(add, NO_ROWS);
    if (rows !== this.#sum.rows || sum !== this.#sum.sum) throw new Error(`${dataset} was read and is wrong`);
    onRead();
  }
}
