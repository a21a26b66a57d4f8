/** A master in memory for tests, with a clock that the test moves. */
import type { WireError } from "../../../core/errors.ts";
import { decode, encode } from "../../../net/cbor.ts";
import { createMaster, type Master } from "../../../net/master/master.ts";
import { PROTOCOL, PROTOCOL_HEADER } from "../../../net/protocol.ts";

export class MasterWorld {
  readonly notices: string[] = [];
  readonly failures: string[] = [];
  readonly master: Master;
  now = 1_000;

  constructor(id = "m1", intervalMs?: number) {
    this.master = createMaster({
      id,
      ...(intervalMs === undefined ? {} : { intervalMs }),
      version: "1.2.3",
      clock: () => this.now,
      onNotice: (text) => this.notices.push(text),
      onFailure: (line) => this.failures.push(line),
    });
  }

  async request(method: string, path: string, body?: unknown, init: RequestInit = {}): Promise<Response> {
    const headers = { [PROTOCOL_HEADER]: String(PROTOCOL), ...init.headers };
    const bytes = body instanceof Uint8Array ? body : encode(body);
    const own = body === undefined ? {} : { body: bytes as Uint8Array<ArrayBuffer> };
    return await this.master.fetch(new Request(`http://master${path}`, { ...init, method, headers, ...own }));
  }

  /** @throws {Error} Naming status, code and message, when the answer is an error. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.request(method, path, body);
    const answer = decode(new Uint8Array(await response.arrayBuffer()));
    if (response.ok) return answer as T;
    const { code, message } = answer as WireError;
    throw new Error(`${response.status} ${code}: ${message}`);
  }

  close(): void {
    this.master.close();
  }
}
