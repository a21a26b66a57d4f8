/**
 * A way to an agent on which requests and answers are lost, requests come twice, and streams break, by a seed.
 */
import { LucioleError } from "../../../core/errors.ts";
import type { Transport } from "../../../net/protocol.ts";
import { UNREACHABLE } from "../../../net/tcp_transport.ts";
import { randomNumbers } from "../../simulation/random.ts";

/** What the driver asks again for by itself. */
export const MAY_FAIL = /\/(messages|attempts|lease|events\?)/;

export function badWay(seed: number, share: number): (transport: Transport) => Transport {
  const random = randomNumbers(seed);
  const lost = (): LucioleError => new LucioleError(UNREACHABLE, "the way is bad", { retryable: true });
  return (transport) => ({
    async fetch(path, init) {
      if (!MAY_FAIL.test(path)) return await transport.fetch(path, init);
      if (random() < share) throw lost();
      if (path.endsWith("/messages") && random() < share) await transport.fetch(path, init);
      const answer = await transport.fetch(path, init);
      if (path.includes("/events")) return new Response(broken(answer.body, random, share), answer);
      if (random() < share) throw lost();
      return answer;
    },
  });
}

/** The same stream, which breaks off after some chunk. */
export function broken(
  body: ReadableStream<Uint8Array> | null,
  random: () => number,
  share: number,
): ReadableStream<Uint8Array> | null {
  return (
    body?.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          if (random() < share) controller.error(new Error("the stream broke"));
          else controller.enqueue(chunk);
        },
      }),
    ) ?? null
  );
}
