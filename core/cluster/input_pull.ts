/**
 * How inputs pull workers towards them, by Glow's distances.
 *
 * Each worker is taken to read an equal share of the bytes, from the nearest that nobody
 * reads yet. Counts bytes in whole numbers, so that equally near places cost exactly the
 * same. Knows nothing of slots.
 */
import type { AgentInfo } from "./agent_info.ts";

/** Glow's distances. */
const DISTANCE = { host: 1, rack: 10, dataCenter: 100, elsewhere: 1000 } as const;

/** Bytes that nobody reads yet. */
interface Zone {
  bytes: number;
}

/** Where something stands: its host, rack and data centre, each a part of the next. */
export interface Spot {
  readonly host: Zone;
  readonly rack: Zone;
  readonly dataCenter: Zone;
}

interface Source {
  readonly spot: Spot;
  bytes: number;
}

export class InputPull {
  readonly #zones = new Map<string, Zone>();
  readonly #sources: Source[] = [];
  readonly #share: number;
  readonly #everywhere: Zone = { bytes: 0 };
  readonly #nowhere: Spot = { host: { bytes: 0 }, rack: { bytes: 0 }, dataCenter: { bytes: 0 } };

  /** Inputs on agents that are not among the places count for nothing. */
  constructor(
    near: readonly { readonly agent: string; readonly bytes: number }[],
    places: readonly { readonly agent: AgentInfo }[],
    workers: number,
  ) {
    const bytesOf = new Map<string, number>();
    for (const { agent, bytes } of near) bytesOf.set(agent, (bytesOf.get(agent) ?? 0) + bytes);
    for (const { agent } of bytesOf.size === 0 ? [] : places) {
      const bytes = bytesOf.get(agent.id);
      if (bytes === undefined || bytes === 0) continue;
      const spot = this.#spotOf(agent);
      this.#sources.push({ spot, bytes });
      this.#add(spot, bytes);
    }
    this.#share = Math.ceil(this.#everywhere.bytes / Math.max(1, workers));
  }

  spotOf(agent: AgentInfo): Spot {
    return this.#sources.length === 0 ? this.#nowhere : this.#spotOf(agent);
  }

  /** Bytes times distance of what the next worker would read there. */
  cost({ host, rack, dataCenter }: Spot): number {
    let left = Math.min(this.#share, this.#everywhere.bytes);
    const ofHost = Math.min(left, host.bytes);
    left -= ofHost;
    const ofRack = Math.min(left, rack.bytes - host.bytes);
    left -= ofRack;
    const ofCentre = Math.min(left, dataCenter.bytes - rack.bytes);
    left -= ofCentre;
    return (
      ofHost * DISTANCE.host +
      ofRack * DISTANCE.rack +
      ofCentre * DISTANCE.dataCenter +
      left * DISTANCE.elsewhere
    );
  }

  /** A worker stands there: what it reads pulls no other. */
  take({ host, rack, dataCenter }: Spot): void {
    let left = Math.min(this.#share, this.#everywhere.bytes);
    left = this.#takeWhere(left, (spot) => spot.host === host);
    left = this.#takeWhere(left, (spot) => spot.rack === rack);
    left = this.#takeWhere(left, (spot) => spot.dataCenter === dataCenter);
    this.#takeWhere(left, () => true);
  }

  #takeWhere(wanted: number, isNear: (spot: Spot) => boolean): number {
    let left = wanted;
    for (const source of left === 0 ? [] : this.#sources) {
      if (source.bytes === 0 || !isNear(source.spot)) continue;
      const bytes = Math.min(left, source.bytes);
      source.bytes -= bytes;
      this.#add(source.spot, -bytes);
      left -= bytes;
    }
    return left;
  }

  #add({ host, rack, dataCenter }: Spot, bytes: number): void {
    for (const zone of [host, rack, dataCenter, this.#everywhere]) zone.bytes += bytes;
  }

  #spotOf({ host, rack, dataCenter }: AgentInfo): Spot {
    return {
      host: this.#zone(`${dataCenter}\n${rack}\n${host}`),
      rack: this.#zone(`${dataCenter}\n${rack}`),
      dataCenter: this.#zone(dataCenter),
    };
  }

  #zone(name: string): Zone {
    let zone = this.#zones.get(name);
    if (zone === undefined) {
      zone = { bytes: 0 };
      this.#zones.set(name, zone);
    }
    return zone;
  }
}
