/**
 * A TCP proxy that cuts connections in their midst, at random times.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export class CuttingProxy {
  /** Connections that were cut. */
  cuts = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /**
   * @param target The port that it leads to.
   * @param lifeMs Connections live up to so long.
   */
  constructor(target: number, lifeMs: number, random: () => number) {
    this.#server = createServer((near) => {
      const far = connect(target, "127.0.0.1");
      const end = (): void => {
        clearTimeout(timer);
        for (const socket of [near, far]) {
          socket.destroy();
          this.#sockets.delete(socket);
        }
      };
      const timer = setTimeout(
        () => {
          this.cuts++;
          end();
        },
        5 + random() * lifeMs,
      );
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", end).on("close", end);
      }
      near.pipe(far).pipe(near);
    });
  }

  /** @returns Its port. */
  async listen(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
