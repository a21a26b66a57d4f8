/**
 * A simulated worker process: asks its agent for orders, reads what they name, and takes its time, as net/worker does.
 *
 * What it began before it died goes on nowhere.
 */

import type { EndedAttempt } from "../../core/agent/queue_events.ts";
import type { GangOrder } from "../../core/collectives/letter.ts";
import type { WireError } from "../../core/errors.ts";
import type { Parcel } from "../../core/messages/letter.ts";
import type { ShardPiece } from "../../core/plan/physical.ts";
import type { TaskOrder, WorkerDefinitions } from "../../core/schedule/attempts/order.ts";
import { type AttemptResult, NO_TOTALS, type ShardReport } from "../../core/schedule/report.ts";
import { GangTask } from "./gang_task.ts";
import type { GangLetter } from "./mail.ts";
import { PieceReader } from "./piece_reader.ts";
import type { PartPort } from "./ports.ts";
import { add, type Content, computeOf, headOf, isEmpty, marksOf, NO_ROWS, type Rows } from "./rows.ts";
import { WorkerMail } from "./worker_mail.ts";
import { planOfOrder, type World, wireError } from "./world.ts";

/** How long orders may wait behind one that takes long. */
const HAND_MS = 30;
const BYTES_OF_ROWS = 10;
/** Of a straggler on a slow disk. */
const MAX_WORK_MS = 120_000;

export class WorkerNode {
  readonly number: number;
  isUp = false;
  readonly #part: PartPort;
  readonly #world: World;
  /** Grows with each start. */
  #life = 0;
  #hand: TaskOrder[] = [];
  #mail: WorkerMail | undefined;
  #current: { readonly order: TaskOrder; readonly begunAt: number } | undefined;
  readonly #early = new Set<string>();
  #gang: GangTask | undefined;
  /** Letters that came before their gang began here. */
  readonly #letters = new Map<string, GangLetter[]>();
  readonly #overGangs = new Set<string>();
  /** Plans that it knows, and those of the executions. */
  readonly #templates = new Set<string>();
  readonly #executions = new Map<string, string>();

  constructor(part: PartPort, number: number, world: World) {
    this.#part = part;
    this.number = number;
    this.#world = world;
  }

  get attempt(): string | undefined {
    return this.#current?.order.attempt;
  }

  /** @returns The messages of its process, when there are any in this run. */
  start(): WorkerMail | undefined {
    this.#life += 1;
    this.#executions.clear();
    this.#templates.clear();
    this.isUp = true;
    this.#later(5 + this.#world.random.below(20), () => {
      this.#ask();
      this.#tell();
    });
    const { mails, timeline } = this.#world;
    this.#mail =
      mails && new WorkerMail(`${this.#part.agent.name}-${this.number}-${this.#life}`, timeline.now);
    return this.#mail;
  }

  /** Something came of the driver. */
  deliver(parcel: Parcel): void {
    const mail = this.#mail;
    this.#later(0.1, () => {
      mail?.arrive(parcel, this.#world.timeline.now);
      if (mail !== undefined && mail.waiting > 0) this.#listenLater(mail);
      this.#tell();
    });
  }

  #listenLater(mail: WorkerMail): void {
    this.#later(this.#world.mails?.below(30) ?? 0, () => {
      mail.listen();
      this.#tell();
    });
  }

  #tell(): void {
    for (let parcel = this.#mail?.take(); parcel !== undefined; parcel = this.#mail?.take())
      this.#part.tell(this.number, parcel);
  }

  take(orders: readonly TaskOrder[], definitions: WorkerDefinitions | undefined): void {
    this.#later(0.1, () => {
      if (definitions !== undefined) this.#learn(definitions);
      this.#hand = [...orders];
      if (orders.length > 1) this.#later(HAND_MS, () => this.#giveBack(this.#hand.splice(0)));
      this.#next(undefined);
    });
  }

  #learn({ templates, executions, forget }: WorkerDefinitions): void {
    for (const id of forget) {
      this.#templates.delete(id);
      this.#executions.delete(id);
    }
    for (const { id } of templates) this.#templates.add(id);
    for (const { id, template } of executions) this.#executions.set(id, template);
  }

  askAgain(): void {
    this.#later(0.2, () => this.#ask());
  }

  /** Told by its agent to stop an attempt. */
  cancel(attempt: string): void {
    this.#later(0.1, () => {
      if (this.attempt === attempt) {
        this.#fail(wireError("cancelled", `Cannot go on with ${attempt}: it was cancelled`));
        return;
      }
      const begun = this.#hand.findIndex((order) => order.attempt === attempt);
      if (begun >= 0) this.#giveBack(this.#hand.splice(begun, 1));
      else this.#early.add(attempt);
    });
  }

  /** A letter of a member of a gang. */
  receive(mail: GangLetter): void {
    this.#later(0.1, () => {
      if (this.#gang?.id === mail.gang) this.#gang.deliver(mail);
      else if (!this.#overGangs.has(mail.gang))
        this.#letters.set(mail.gang, [...(this.#letters.get(mail.gang) ?? []), mail]);
    });
  }

  die(cause: string): void {
    if (!this.isUp) return;
    this.#end();
    this.#world.timeline.after(1, () => this.#part.apply({ kind: "exited", worker: this.number, cause }));
  }

  /** Gone with its agent or its job: nobody hears of it. */
  vanish(): void {
    this.#end();
  }

  #end(): void {
    this.isUp = false;
    this.#life += 1;
    this.#hand = [];
    this.#leaveGang();
    this.#letters.clear();
    this.#current = undefined;
  }

  #later(ms: number, act: () => void): void {
    const life = this.#life;
    this.#world.timeline.after(ms, () => {
      if (this.isUp && this.#life === life) act();
    });
  }

  #ask(ended?: EndedAttempt): void {
    this.#part.apply({ kind: "asked", worker: this.number, ...(ended === undefined ? {} : { ended }) });
  }

  #giveBack(orders: readonly TaskOrder[]): void {
    if (orders.length === 0) return;
    const attempts = orders.map(({ attempt }) => attempt);
    this.#part.apply({ kind: "returned", worker: this.number, attempts });
  }

  #next(ended: EndedAttempt | undefined): void {
    const order = this.#hand.shift();
    if (order === undefined) {
      this.#ask(ended);
      return;
    }
    if (ended !== undefined) this.#part.apply({ kind: "ended", worker: this.number, ended });
    this.#begin(order);
  }

  #begin(order: TaskOrder): void {
    const current = { order, begunAt: this.#world.timeline.now };
    this.#current = current;
    if (this.#early.delete(order.attempt)) {
      this.#fail(wireError("cancelled", `Cannot begin ${order.attempt}: it was cancelled`));
      return;
    }
    const template = this.#executions.get(order.execution);
    if (template === undefined || !this.#templates.has(template)) {
      this.#fail(wireError("not-found", `Cannot find execution ${order.execution}`));
      return;
    }
    const sink = this.#sinkOf(order);
    if (sink !== undefined && !this.#world.files.create(sink, order.attempt)) {
      this.#fail(wireError("output-unwritable", `Cannot write ${sink}: it is not there`));
      return;
    }
    const reader = new PieceReader(this.#part, this.#world, order);
    const isCurrent = () => this.#current === current;
    reader.read({
      isWanted: isCurrent,
      onRead: (contents) => {
        if (isCurrent()) this.#work(order, contents, isCurrent);
      },
      onError: (error) => {
        if (isCurrent()) this.#fail(error);
      },
    });
  }

  #say(): void {
    const { mails, timeline } = this.#world;
    for (let count = mails?.below(4) ?? 0; count > 0; count -= 1) this.#mail?.send(timeline.now);
    this.#tell();
  }

  #work(order: TaskOrder, contents: Contents, isCurrent: () => boolean): void {
    this.#say();
    const { ms, error } = this.#world.work(this.#part.job, order);
    this.#later(Math.min(MAX_WORK_MS, ms * this.#part.agent.slowness), () => {
      if (!isCurrent()) return;
      const { refusal } = this.#part.agent;
      if (error !== undefined) this.#fail(error);
      else if (refusal !== undefined)
        this.#fail(wireError("disk-full", `Cannot write ${order.attempt}: ${refusal}`, {}, true));
      else if (order.gang === undefined) this.#commit(order, this.#headOf(order, contents), contents);
      else this.#join(order, order.gang, contents, isCurrent);
    });
  }

  /** Goes on with the other members of its gang. */
  #join(order: TaskOrder, gang: GangOrder, contents: Contents, isCurrent: () => boolean): void {
    const task = new GangTask(
      {
        job: this.#part.job,
        gang,
        own: this.#headOf(order, contents),
        post: (mail) => this.#later(0.1, () => this.#part.post(mail)),
        onDone: (all) => {
          if (isCurrent()) this.#commit(order, all, contents);
        },
        onError: (error) => {
          if (isCurrent()) this.#fail(error);
        },
      },
      this.#world,
    );
    this.#gang = task;
    const early = this.#letters.get(gang.id) ?? [];
    this.#letters.delete(gang.id);
    task.begin(early);
  }

  #leaveGang(): void {
    if (this.#gang === undefined) return;
    this.#overGangs.add(this.#gang.id);
    this.#gang.end();
    this.#gang = undefined;
  }

  #headOf(order: TaskOrder, contents: Contents): Rows {
    const plan = planOfOrder(this.#world, this.#part.job, order).groups[order.group];
    return headOf(
      plan,
      order.task,
      order.input.pieces.map((pieces) => rowsOf(pieces, contents)),
    );
  }

  #commit(order: TaskOrder, head: Rows, contents: Contents): void {
    const plan = planOfOrder(this.#world, this.#part.job, order).groups[order.group];
    const sides = Object.values(order.input.sides).map((pieces) => rowsOf(pieces, contents));
    const content = computeOf(plan, order.task, head, sides);
    const sink = this.#sinkOf(order);
    if (sink !== undefined && !this.#world.files.write(sink, order.attempt, content[0])) {
      this.#fail(wireError("output-unwritable", `Cannot write ${sink}: it is gone`));
      return;
    }
    this.#part.keep(order.attempt, content);
    const ms = this.#world.timeline.now - (this.#current?.begunAt ?? 0);
    this.#over(order, { kind: "committed", shard: this.#report(order, content), totals: NO_TOTALS, ms });
  }

  #report(order: TaskOrder, content: Content): ShardReport {
    const isSkewed = this.#part.isSkewed;
    const { tail } = planOfOrder(this.#world, this.#part.job, order).groups[order.group];
    if (tail.kind === "runs") return reportOfRuns(content);
    const partitions = content.map(({ rows, sum }, i) => {
      const isEmpty = rows === 0 && sum === 0;
      const bytes = isSkewed && i === 1 ? 100 * BYTES_OF_ROWS : BYTES_OF_ROWS;
      return isEmpty ? { rows: 0, bytes: 0, chunks: 0 } : { rows: Math.max(1, rows), bytes, chunks: 1 };
    });
    if (this.#sinkOf(order) === undefined) return { partitions };
    return { partitions, sinkFile: { name: order.attempt, rows: 1, bytes: BYTES_OF_ROWS } };
  }

  #sinkOf(order: TaskOrder): string | undefined {
    const { tail } = planOfOrder(this.#world, this.#part.job, order).groups[order.group];
    return tail.kind === "sink" ? `${this.#part.job}/${order.execution}/${tail.node}` : undefined;
  }

  #fail(error: WireError): void {
    if (this.#current === undefined) return;
    const { order } = this.#current;
    const sink = this.#sinkOf(order);
    if (sink !== undefined) this.#world.files.remove(sink, order.attempt);
    this.#over(order, { kind: "failed", error, totals: NO_TOTALS });
  }

  #over({ attempt }: TaskOrder, result: AttemptResult): void {
    this.#current = undefined;
    this.#leaveGang();
    this.#later(0.1, () => this.#next({ attempt, result }));
  }
}

/** What a task read, by piece. */
type Contents = ReadonlyMap<ShardPiece, Rows>;

function rowsOf(pieces: readonly ShardPiece[], contents: Contents): Rows {
  return pieces.map((piece) => contents.get(piece) ?? NO_ROWS).reduce(add, NO_ROWS);
}

/** One partition, with the first key of each of its chunks. */
function reportOfRuns(content: Content): ShardReport {
  const marks = marksOf(content);
  const size = { rows: content.length, bytes: content.length * BYTES_OF_ROWS, chunks: marks.length };
  return { partitions: [isEmpty(content) ? { rows: 0, bytes: 0, chunks: 0 } : size], marks };
}
