/** The control stream may overtake an order: a cancel that comes first must still count. */
import { expect, test } from "bun:test";
import type { AttemptResult } from "../../../core/schedule/report.ts";
import { decode, encode } from "../../../net/cbor.ts";
import type { ControlMessage, NextRequest, Transport } from "../../../net/protocol.ts";
import { Worker } from "../../../net/worker/worker.ts";
import { orderOf } from "../../core/agent/orders.ts";

const ORDER = orderOf("a");

const cbor = (value: unknown) => new Response(encode(value) as Uint8Array<ArrayBuffer>);

/** Gives the order only when the cancel has been read. */
class CancellingAgent implements Transport {
  result: AttemptResult | undefined;
  readonly #cancelRead = Promise.withResolvers<void>();

  async fetch(path: string, init?: RequestInit): Promise<Response> {
    if (path.includes("/control")) return new Response(this.#control());
    const request = decode(init?.body as Uint8Array) as NextRequest;
    this.result ??= request.ended?.result;
    if (this.result !== undefined) return cbor({ kind: "stop" });
    await this.#cancelRead.promise;
    return cbor({ kind: "order", order: ORDER });
  }

  #control(): ReadableStream<Uint8Array> {
    const cancel: ControlMessage = { kind: "cancel", attempt: "a" };
    let pulls = 0;
    return new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          // The reader asks again when it has done with the first item.
          if (++pulls === 1) controller.enqueue(encode(cancel));
          else this.#cancelRead.resolve();
          return pulls === 1 ? undefined : new Promise(() => undefined);
        },
      },
      { highWaterMark: 0 },
    );
  }
}

test("run() does not begin an attempt whose cancel came before its order", async () => {
  const agent = new CancellingAgent();
  await new Worker({ transport: agent, job: "j", worker: 0, agent: "local", directory: "/nowhere" }).run();
  expect(agent.result).toMatchObject({ kind: "failed", error: { code: "cancelled" } });
});
