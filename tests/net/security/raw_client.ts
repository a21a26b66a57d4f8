/**
 * A client that sends bytes, for what no client of HTTP would send.
 */
import { connect, type Socket } from "node:net";

export class RawClient {
  readonly #socket: Socket;
  readonly #closed: Promise<void>;
  #received = "";
  #wake: () => void = () => {};
  isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.isClosed = true;
        this.#wake();
        resolve();
      });
    });
    // A reset is one of the ways in which a server refuses; "close" follows.
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      this.#received += bytes.toString("latin1");
      this.#wake();
    });
  }

  static open(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new RawClient(socket)));
    });
  }

  send(data: string | Uint8Array): void {
    if (!this.isClosed) this.#socket.write(data);
  }

  /** Resolves when what was written so far is with the system. */
  flushed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.isClosed) resolve();
      else this.#socket.write("", () => resolve());
    });
  }

  /** The status of the first answer; undefined when the server closed without one. */
  async status(): Promise<number | undefined> {
    for (;;) {
      const match = /^HTTP\/1\.1 (\d{3})/.exec(this.#received);
      if (match !== null) return Number(match[1]);
      if (this.isClosed) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  get received(): string {
    return this.#received;
  }

  closed(): Promise<void> {
    return this.#closed;
  }

  close(): void {
    this.#socket.destroy();
  }
}
