/**
 * A simulated agent: its slots, leases and jobs. It is the authority on its own slots, and ends what nobody renews.
 */
import { Leases } from "../../core/agent/leases.ts";
import type { AgentInfo, Heartbeat } from "../../core/cluster/agent_info.ts";
import { agentInfo, agentLoad, jobLoad } from "../core/cluster/agents.ts";
import { JobPart } from "./job_part.ts";
import type { MasterNode } from "./master_node.ts";
import type { AgentPort, JobStart } from "./ports.ts";
import { SimulatedDisk } from "./simulated_disk.ts";
import type { World } from "./world.ts";

const HEARTBEAT_MS = 2_000;

export class AgentNode implements AgentPort {
  readonly name: string;
  readonly slots: number;
  readonly jobs = new Map<string, JobPart>();
  isUp = true;
  life = 1;
  /** What its tasks take is so many times as long: a slow disk. */
  slowness = 1;
  readonly #world: World;
  readonly #masters: readonly MasterNode[];
  #leases = new Leases();
  #disk = new SimulatedDisk();
  #sequence = 0;
  #isTicking = false;

  constructor(name: string, slots: number, world: World, masters: readonly MasterNode[]) {
    this.name = name;
    this.slots = slots;
    this.#world = world;
    this.#masters = masters;
    this.#beat();
  }

  get info(): AgentInfo {
    return agentInfo(this.name, { slots: this.slots, incarnation: `${this.name}-${this.life}` });
  }

  get refusal(): string | undefined {
    return this.#disk.refusal(this.#world.timeline.now);
  }

  /** Somebody else fills the disk, and takes that back later. */
  fillDisk(ms: number): void {
    const { timeline } = this.#world;
    this.#disk.fill(timeline.now, ms);
    const disk = this.#disk;
    const look = (): void => {
      if (disk === this.#disk && disk.measure(timeline.now)) timeline.after(SimulatedDisk.MEASURE_MS, look);
    };
    timeline.after(this.#world.random.below(SimulatedDisk.MEASURE_MS), look);
  }

  start({ job, firstWorker, workers, leaseMs, isSkewed, peers, isMore }: JobStart): "ok" | "refused" {
    const known = this.jobs.get(job);
    if (known?.isEnding === true || (known === undefined && isMore)) return "refused";
    const wanted = Array.from({ length: workers }, (_, i) => firstWorker + i);
    const missing = wanted.filter((worker) => known?.workers.has(worker) !== true).length;
    if (missing > this.slots - this.#used()) return "refused";
    if (known === undefined) {
      this.jobs.set(job, new JobPart(job, this, this.#world, isSkewed));
    }
    const part = this.jobs.get(job);
    part?.setPeers(peers);
    part?.apply({ kind: "start", firstWorker, workers });
    if (this.#used() > this.slots)
      throw new Error(`${this.name} has ${this.#used()} workers in ${this.slots} slots`);
    this.#leases.grant(job, leaseMs, this.#world.timeline.now);
    this.#tickLater();
    this.#tellMasters();
    return "ok";
  }

  /** A job's part, for its driver: it is there. */
  forDriver(job: string): JobPart | undefined {
    this.#leases.renew(job, this.#world.timeline.now);
    return this.jobs.get(job);
  }

  end(job: string, onEnded: () => void): void {
    const part = this.jobs.get(job);
    if (part === undefined) {
      onEnded();
      return;
    }
    this.#leases.end(job);
    part.onEnded.push(onEnded);
    if (part.isEnding) return;
    part.end();
    const { life } = this;
    this.#world.timeline.after(5 + this.#world.random.below(30), () => {
      if (this.life !== life) return;
      this.jobs.delete(job);
      this.#tellMasters();
      for (const told of part.onEnded) told();
    });
  }

  crash(): void {
    this.isUp = false;
    this.life += 1;
    for (const part of this.jobs.values()) part.crash();
    this.jobs.clear();
    this.#leases = new Leases();
    this.#disk = new SimulatedDisk();
  }

  restart(): void {
    this.isUp = true;
    this.life += 1;
    this.#sequence = 0;
    this.#isTicking = false;
    this.#beat();
  }

  #used(): number {
    let used = 0;
    for (const part of this.jobs.values()) used += part.workers.size;
    return used;
  }

  #tickLater(): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    const { life } = this;
    this.#world.timeline.after(Leases.TICK_MS, () => {
      if (this.life !== life) return;
      this.#isTicking = false;
      for (const { job } of this.#leases.tick(this.#world.timeline.now)) {
        this.#world.tell(`${this.name} ends ${job}: its lease has run out`);
        this.end(job, () => undefined);
      }
      if (this.#leases.size > 0) this.#tickLater();
    });
  }

  #beat(): void {
    const { life } = this;
    if (!this.isUp) return;
    this.#tellMasters();
    this.#world.timeline.after(HEARTBEAT_MS, () => {
      if (this.life === life) this.#beat();
    });
  }

  #tellMasters(): void {
    const jobs = [...this.jobs].map(([job, part]) =>
      jobLoad(job, part.workers.size, { state: part.isEnding ? "ending" : "running" }),
    );
    const agent = this.info;
    const heartbeat: Heartbeat = { agent, load: agentLoad(agent, jobs), sequence: this.#sequence };
    this.#sequence += 1;
    for (const master of this.#masters) {
      this.#world.network.call<true>({
        from: this,
        to: master,
        handle: (answer) => {
          master.hear(heartbeat);
          answer(true);
        },
        onAnswer: () => undefined,
        onBroken: () => undefined,
      });
    }
  }
}
