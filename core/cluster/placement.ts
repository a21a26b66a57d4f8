/**
 * Where the workers of a job go: a pure function of what is free.
 *
 * Resources first: an agent without a free slot and the memory counts for nothing. Then
 * the way of the inputs, by Glow's distances: each worker is taken to come for an equal
 * part of the bytes, so workers stand where the data is and in proportion to it. Among
 * places that are equally near, the machine with the fewest workers of this placement is
 * next: spread over machines, not slots.
 */
import type { AgentInfo, AgentLoad } from "./agent_info.ts";
import { InputPull, type Spot } from "./input_pull.ts";

/** Body of `POST /v1/placements`. */
export interface PlacementRequest {
  readonly job: string;
  readonly workers: number;
  /** Fewer than these are of no use: none is granted then. Default 1. */
  readonly leastWorkers?: number;
  /** Of each worker; 0 for what an agent has for each of its slots. */
  readonly memoryBytes: number;
  readonly dataCenter?: string;
  readonly rack?: string;
  /** All of them must be the agent's. */
  readonly labels?: Readonly<Record<string, string>>;
  /** "linux-x64": for programs that are executables. */
  readonly platform?: string;
  /** Where inputs lie, and how much. */
  readonly near?: readonly { readonly agent: string; readonly bytes: number }[];
  /** Agents that are not asked, such as those that refused. */
  readonly exclude?: readonly string[];
}

export interface Grant {
  readonly agent: AgentInfo;
  readonly workers: number;
  /** Of all of them together. */
  readonly memoryBytes: number;
}

export interface Placement {
  readonly grants: readonly Grant[];
  /** Workers that have no place now. */
  readonly missing: number;
  /** Why, should some be missing: how many agents there are, and how far they go. */
  readonly room: Room;
  /** Jobs that asked earlier for slots of the same agents and still wait for them. */
  readonly ahead?: number;
}

export interface Room {
  readonly agents: number;
  /** Agents that are allowed by labels, data centre, rack, platform and `exclude`. */
  readonly suitable: number;
  /** Workers that the suitable agents could take now, and if nothing else ran. */
  readonly free: number;
  readonly total: number;
}

/** An agent with what is free of it, as placement sees it. */
export interface Place {
  readonly agent: AgentInfo;
  readonly load: Pick<AgentLoad, "freeSlots" | "freeMemoryBytes">;
}

/** Grants to agents for a job's workers; deterministic. */
export function placeWorkers(request: PlacementRequest, places: readonly Place[]): Placement {
  const suitable = places.filter(({ agent }) => isSuitable(request, agent));
  const pull = new InputPull(request.near ?? [], places, request.workers);
  const seats = seatsOf(request, suitable, pull);
  let free = 0;
  for (const seat of seats) free += seat.free;
  let total = 0;
  for (const { agent } of suitable) {
    total += capacity(agent.slots, agent.memoryBytes, memoryOfEach(request, agent));
  }
  const room: Room = { agents: places.length, suitable: suitable.length, free, total };
  const count = Math.min(request.workers, free);
  if (count < (request.leastWorkers ?? 1)) return { grants: [], missing: request.workers, room };
  fill(seats, count, pull);
  const grants = seats
    .filter(({ granted }) => granted > 0)
    .map(({ agent, granted: workers }) => {
      return { agent, workers, memoryBytes: workers * memoryOfEach(request, agent) };
    });
  return { grants, missing: request.workers - count, room };
}

/** Why a request was granted nothing, for people: "there is no room for 8 workers of 512 MiB: …". */
export function describeMissing(request: PlacementRequest, { room, ahead = 0 }: Placement): string {
  const { leastWorkers: least = 1, memoryBytes } = request;
  const workers = least === 1 ? "a worker" : `${least} workers`;
  const memory = memoryBytes === 0 ? "" : ` of ${Math.ceil(memoryBytes / 2 ** 20)} MiB`;
  const wanted = `there is no room for ${workers}${memory}`;
  const all = `${room.agents} ${room.agents === 1 ? "agent" : "agents"}`;
  if (room.agents === 0) return `${wanted}: the cluster has no agents`;
  if (room.suitable === 0) return `${wanted}: none of ${all} ${describeAsked(request)}`;
  const agents = room.suitable === room.agents ? all : `${room.suitable} suitable of ${all}`;
  const has = room.suitable === 1 ? "has" : "have";
  if (room.total < least) return `${wanted}: ${agents} ${has} room for ${room.total} when nothing else runs`;
  const queue = ahead === 0 ? "" : `, and ${ahead} ${ahead === 1 ? "job waits" : "jobs wait"} before`;
  return `${wanted} now: ${agents} ${has} room for ${room.free} at the moment${queue}`;
}

/** "has labels gpu=yes, rack r1, or may be asked": agents that refused, or fell silent, are not. */
function describeAsked({ dataCenter, rack, platform, labels, exclude }: PlacementRequest): string {
  const asked: string[] = [];
  const pairs = Object.entries(labels ?? {}).map(([name, value]) => `${name}=${value}`);
  if (pairs.length > 0) asked.push(`labels ${pairs.join(",")}`);
  if (dataCenter !== undefined) asked.push(`data center ${dataCenter}`);
  if (rack !== undefined) asked.push(`rack ${rack}`);
  if (platform !== undefined) asked.push(`platform ${platform}`);
  if (asked.length === 0) return "may be asked";
  return `has ${asked.join(", ")}${exclude === undefined || exclude.length === 0 ? "" : ", or may be asked"}`;
}

interface Seat {
  readonly agent: AgentInfo;
  readonly machine: Machine;
  readonly spot: Spot;
  free: number;
  granted: number;
}

/** Agents on one host share it. */
interface Machine {
  granted: number;
}

/** Whether a request allows an agent, whatever is free of it. */
export function isSuitable(request: PlacementRequest, agent: AgentInfo): boolean {
  const { dataCenter, rack, platform, labels, exclude } = request;
  if (dataCenter !== undefined && agent.dataCenter !== dataCenter) return false;
  if (rack !== undefined && agent.rack !== rack) return false;
  if (platform !== undefined && agent.platform !== platform) return false;
  if (exclude?.includes(agent.id) === true) return false;
  if (labels === undefined) return true;
  for (const name of Object.keys(labels)) {
    if (!Object.hasOwn(agent.labels, name) || agent.labels[name] !== labels[name]) return false;
  }
  return true;
}

/** A seat for each agent with room for a worker. */
function seatsOf(request: PlacementRequest, places: readonly Place[], pull: InputPull): readonly Seat[] {
  const machines = new Map<string, Machine>();
  const seats: Seat[] = [];
  for (const { agent, load } of places) {
    const free = capacity(load.freeSlots, load.freeMemoryBytes, memoryOfEach(request, agent));
    if (free === 0) continue;
    let machine = machines.get(agent.host);
    if (machine === undefined) {
      machine = { granted: 0 };
      machines.set(agent.host, machine);
    }
    seats.push({ agent, machine, spot: pull.spotOf(agent), free, granted: 0 });
  }
  return seats;
}

function memoryOfEach({ memoryBytes }: PlacementRequest, agent: AgentInfo): number {
  return memoryBytes === 0 ? Math.floor(agent.memoryBytes / Math.max(1, agent.slots)) : memoryBytes;
}

function capacity(slots: number, memoryBytes: number, each: number): number {
  return each === 0 ? slots : Math.min(slots, Math.floor(memoryBytes / each));
}

function fill(seats: readonly Seat[], count: number, pull: InputPull): void {
  for (let i = 0; i < count; i++) {
    let best: Seat | undefined;
    let leastCost = Number.POSITIVE_INFINITY;
    for (const seat of seats) {
      if (seat.free === 0) continue;
      const cost = pull.cost(seat.spot);
      if (best === undefined || cost < leastCost || (cost === leastCost && isBetter(seat, best))) {
        best = seat;
        leastCost = cost;
      }
    }
    if (best === undefined) return;
    best.free--;
    best.granted++;
    best.machine.granted++;
    pull.take(best.spot);
  }
}

/** Of two that are equally near. The last comparison makes it independent of the order of the agents. */
function isBetter(seat: Seat, than: Seat): boolean {
  if (seat.machine.granted !== than.machine.granted) return seat.machine.granted < than.machine.granted;
  if (seat.free !== than.free) return seat.free > than.free;
  return seat.agent.id < than.agent.id;
}
