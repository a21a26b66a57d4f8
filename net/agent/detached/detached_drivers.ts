/**
 * The detached drivers of an agent: how many it runs at a time, and for how long it keeps what became of them.
 *
 * Knows nothing of HTTP.
 */
import { join } from "node:path";
import type { DriverLife } from "../../../core/agent/driver_life.ts";
import { type DriverLoad, jobOfRun } from "../../../core/cluster/driver_info.ts";
import {
  CancelledError,
  describeThrown,
  LucioleError,
  NotEnoughResourcesError,
} from "../../../core/errors.ts";
import type { ClusterAccess } from "../../driver/cluster/cluster_access.ts";
import type { DriverAccess, DriverOrder } from "../../driver_protocol.ts";
import { pause } from "../../pause.ts";
import type { ClientTls, Runtime } from "../../runtime/runtime.ts";
import { driverToken, leaseToken } from "../../security/client_auth.ts";
import type { ClusterSecret } from "../../security/cluster_secret.ts";
import type { OpenProgram, ProgramCache } from "../programs/program_cache.ts";
import { DetachedDriver } from "./detached_driver.ts";
import { DriverGuards, type TakenOver } from "./driver_guards.ts";
import { endParts } from "./end_parts.ts";
import { Guardian } from "./guardian.ts";
import { type PastDriver, pastDrivers } from "./past_driver.ts";

export interface DetachedDriversOptions {
  /** Of the agent. */
  readonly id: string;
  /** Of the drivers alone. */
  readonly directory: string;
  /** At a time; 0 for none. */
  readonly most: number;
  /** For how long what became of a driver is kept. */
  readonly keepMs?: number;
  readonly programs: ProgramCache;
  readonly runtime: Runtime;
  readonly socketPath: string;
  /** What the allow-list is applied to. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** "host:port". */
  readonly masters: readonly string[];
  readonly secret?: ClusterSecret;
  readonly tls?: ClientTls;
  /** The way to masters and other agents. */
  readonly cluster: ClusterAccess;
  readonly onChange: () => void;
  /** Told what an operator of the agent may want to know. */
  readonly onNotice: (text: string) => void;
}

const KEEP_MS = 3_600_000;
const MAX_ENDED = 50;
const GUARDED_MS = 5_000;
/** Those that were ended before they came: how many of them are known, and for how long. */
const MAX_REFUSED = 1_000;
const REFUSED_MS = 5 * 60_000;

export class DetachedDrivers {
  readonly #options: DetachedDriversOptions;
  readonly #drivers = new Map<string, DetachedDriver>();
  /** Of the process before. */
  readonly #past = new Map<string, PastDriver>();
  /** Those whose programs are being opened. */
  readonly #starting = new Map<string, Promise<void>>();
  readonly #guards: DriverGuards;
  /** When they were ended by those who sent them, and do not know whether they came. */
  readonly #refused = new Map<string, number>();
  readonly #timer: ReturnType<typeof setInterval>;
  #isClosed = false;

  constructor(options: DetachedDriversOptions) {
    this.#options = options;
    for (const past of pastDrivers(options.directory, options.id)) this.#past.set(past.load.job, past);
    void this.#forgetOld();
    this.#guards = new DriverGuards({
      id: options.id,
      cluster: options.cluster,
      onTakeOver: (job, taken) => this.#begin(job, this.#takeOverAfter(this.#starting.get(job), job, taken)),
      onChange: options.onChange,
    });
    const { keepMs = KEEP_MS } = options;
    this.#timer = setInterval(() => void this.#forgetOld(), Math.min(keepMs, 60_000));
    this.#timer.unref();
  }

  /** What masters are told. */
  get loads(): readonly DriverLoad[] {
    const known = [...this.#past.values(), ...this.#drivers.values()];
    return [...known.map(({ load }) => load), ...this.#guards.loads];
  }

  get free(): number {
    return this.#isClosed ? 0 : Math.max(0, this.#options.most - this.#running);
  }

  /** One of this process, or of the one before. @throws {LucioleError} code "not-found". */
  findAny(job: string): DetachedDriver | PastDriver {
    return this.#past.get(job) ?? this.find(job);
  }

  /** @throws {LucioleError} code "not-found". */
  find(job: string): DetachedDriver {
    const found = this.#drivers.get(job);
    if (found !== undefined) return found;
    const { id } = this.#options;
    throw new LucioleError(
      "not-found",
      `Cannot find the driver of job ${job}: agent ${id} does not have it`,
      {
        fields: { job },
      },
    );
  }

  /**
   * Runs a driver, or guards one; fine when it is here already: who asked may not have heard the answer.
   *
   * @throws {NotEnoughResourcesError} @throws {ProgramMissingError} When its program must be sent first.
   */
  async start(job: string, order: DriverOrder): Promise<void> {
    const known = this.#drivers.get(job) ?? this.#past.get(job);
    if (known !== undefined && known.order.run >= order.run) return;
    await this.#once(job, () => this.#start(job, order));
  }

  /** Does it unless something of the job is being started already. */
  async #once(job: string, start: () => Promise<void>): Promise<void> {
    const under = this.#starting.get(job);
    if (under !== undefined) return await under;
    await this.#begin(job, start());
  }

  /** Who is asked meanwhile to start or end it waits for this. */
  async #begin(job: string, start: Promise<void>): Promise<void> {
    const starting = start.finally(() => {
      if (this.#starting.get(job) === starting) this.#starting.delete(job);
    });
    this.#starting.set(job, starting);
    await starting;
  }

  /** @param under What was being started of the job: the order of a guard that takes this one's place, say, or one that fails. */
  async #takeOverAfter(under: Promise<void> | undefined, job: string, taken: TakenOver): Promise<void> {
    if (under !== undefined) await under.catch(() => undefined);
    const run = this.#drivers.get(job)?.order.run ?? 0;
    if (!this.#isClosed && run <= taken.order.run && !taken.isReplaced()) {
      await this.#takeOver(job, taken);
      return;
    }
    taken.life.forget(performance.now());
    taken.program.release();
  }

  async #start(job: string, order: DriverOrder): Promise<void> {
    const { id, programs, most } = this.#options;
    const refusedAt = this.#refused.get(job);
    if (refusedAt !== undefined && performance.now() - refusedAt < REFUSED_MS) {
      throw new CancelledError(`Cannot run the driver of job ${job} on agent ${id}: it was cancelled before`);
    }
    if (this.free <= 0) {
      const state = this.#isClosed ? "it ends" : `it runs ${this.#running} of ${most} drivers`;
      throw new NotEnoughResourcesError(`Cannot run the driver of job ${job} on agent ${id}: ${state}`, {
        fields: { job, most },
      });
    }
    const { guards, ...own } = order;
    const program = await programs.open(order.program);
    if (guards !== undefined) this.#guards.add(job, own, guards, program);
    else await this.#run(job, own, program);
  }

  async #run(job: string, order: DriverOrder, program: OpenProgram, life?: DriverLife): Promise<void> {
    const { directory, onNotice } = this.#options;
    const before = this.#drivers.get(job);
    await before?.stop({ kind: "agent", why: "it was started again" });
    if (before !== undefined) await this.#forget(job, before);
    const isRestartable = order.flags.checkpoint !== undefined;
    const guardian = isRestartable
      ? new Guardian({
          ...this.#options,
          job,
          order,
          onNotice,
          onCutOff: (why) => void driver.stop({ kind: "agent", why }),
        })
      : undefined;
    const driver = new DetachedDriver({
      ...this.#options,
      job,
      order,
      directory: join(directory, `${job}-${order.run}`),
      onChange: () => this.#changed(),
      onGone: (gone) => void this.#gone(job, gone),
      ...(life === undefined ? {} : { life }),
      ...(guardian === undefined ? {} : { guardian }),
    });
    await this.#past
      .get(job)
      ?.forget()
      .catch(() => undefined);
    this.#past.delete(job);
    this.#drivers.set(job, driver);
    driver.start(program);
    this.#options.onChange();
    // Whoever sent it hears that it runs when it is guarded, or cannot be soon.
    if (guardian !== undefined) await Promise.race([guardian.find(), pause(GUARDED_MS)]);
  }

  /** The agent of a driver that was guarded here is gone. */
  async #takeOver(job: string, { life, order, program, why }: TakenOver): Promise<void> {
    const { cluster, onNotice } = this.#options;
    life.takeOver(performance.now());
    const run = order.run + 1;
    onNotice(`job ${job} is started again, run ${run}: ${why}`);
    // What the run before has left holds slots, and must not be used by a driver that is only cut off.
    await endParts(cluster, jobOfRun(job, order.run), why).catch(() => undefined);
    const flags = { ...order.flags, resume: "true" };
    await this.#run(job, { ...order, run, flags }, program, life).catch((error) =>
      onNotice(`warning: job ${job} was not started again: ${describeThrown(error)}`),
    );
  }

  /** Whatever it has left on agents goes now, and not only when leases have run out. */
  async #gone(job: string, { reply }: DetachedDriver): Promise<void> {
    this.#changed();
    if (this.#isClosed) return;
    const own = jobOfRun(job, reply.run);
    await endParts(this.#options.cluster, own, reply.cause ?? "its driver has ended").catch(() => undefined);
  }

  /** Its process is gone when this resolves; fine when there is none. */
  async cancel(job: string, by: string): Promise<void> {
    for (let under = this.#starting.get(job); under !== undefined; under = this.#starting.get(job)) {
      await under.catch(() => undefined);
    }
    // The request that starts it may come after this one, from a client that has given up on it.
    if (!this.#drivers.has(job) && !this.#guards.has(job)) this.#refuse(job);
    this.#guards.forget(job);
    await this.#drivers.get(job)?.stop({ kind: "cancel", by });
  }

  /** What the process of a driver may show to others. @throws {LucioleError} code "not-found". */
  access(job: string): DriverAccess {
    const driver = this.find(job);
    driver.seen();
    const { masters, secret, tls } = this.#options;
    const { run, driver: sender, program } = driver.order;
    return {
      run,
      driver: sender,
      program,
      masters,
      isGuarded: driver.order.flags.checkpoint !== undefined,
      ...(secret && {
        token: driverToken(secret, job, Date.now()),
        leaseToken: leaseToken(secret, job, Date.now()),
      }),
      ...(tls && { tls }),
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#guards.close();
    await Promise.allSettled(this.#starting.values());
    const why = `its driver's agent ${this.#options.id} has ended`;
    // What they printed is for the process that comes after this one.
    await Promise.all(Array.from(this.#drivers.values(), (driver) => driver.stop({ kind: "agent", why })));
  }

  /** For a process that is about to end. */
  abandon(): void {
    for (const driver of this.#drivers.values()) driver.kill();
  }

  get #running(): number {
    let running = 0;
    for (const { isThere } of this.#drivers.values()) if (isThere) running++;
    // One that waits for its guard runs already.
    for (const job of this.#starting.keys()) if (this.#drivers.get(job)?.isThere !== true) running++;
    return running;
  }

  #refuse(job: string): void {
    this.#refused.delete(job);
    this.#refused.set(job, performance.now());
    for (const oldest of this.#refused.keys()) {
      if (this.#refused.size <= MAX_REFUSED) break;
      this.#refused.delete(oldest);
    }
  }

  #changed(): void {
    void this.#forgetOld();
    this.#options.onChange();
  }

  async #forgetOld(): Promise<void> {
    const { keepMs = KEEP_MS } = this.#options;
    const known: readonly (readonly [string, DetachedDriver | PastDriver])[] = [
      ...this.#past,
      ...this.#drivers,
    ];
    const ended = known.flatMap(([job, driver]) =>
      driver.endedAt === undefined ? [] : [{ job, driver, endedAt: driver.endedAt }],
    );
    const kept = ended
      .toSorted((a, b) => b.endedAt - a.endedAt)
      .slice(0, MAX_ENDED)
      .filter(({ endedAt }) => performance.now() - endedAt < keepMs);
    for (const one of ended) if (!kept.includes(one)) await this.#forget(one.job, one.driver);
  }

  /** What cannot be deleted is no reason for the agent to end, and its jobs with it. */
  async #forget(job: string, driver: DetachedDriver | PastDriver): Promise<void> {
    const among = this.#past.get(job) === driver ? this.#past : this.#drivers;
    // Another run may have taken its place meanwhile, or somebody else has forgotten it.
    if (among.get(job) !== driver) return;
    among.delete(job);
    await driver.forget().catch((error) => {
      this.#options.onNotice(`warning: not all is deleted of job ${job}: ${describeThrown(error)}`);
    });
  }
}
