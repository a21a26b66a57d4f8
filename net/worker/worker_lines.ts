/**
 * Lines between the workers of one agent: Unix sockets in the job's directory, which go when it goes.
 *
 * A line carries letters one way, from one member of a gang to another. Who may open one was told where, and the key, by way
 * of the agent. Where no socket can be opened there are no lines. It does not know what letters mean.
 */
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { chmod } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { FrameReader, frameParts, type LineFrame } from "./line_frames.ts";
import { LineWriter } from "./line_writer.ts";

/** What the end that dials says first. */
export interface Hello {
  readonly gang: string;
  /** Ranks. */
  readonly from: number;
  readonly to: number;
  /** So many letters were sent by way of the agent before. */
  readonly after: number;
}

/** The end that sends. */
export interface Line {
  send(head: unknown, payload: Uint8Array): void;
  /** Nothing more is sent; what was sent still goes. */
  end(): void;
}

/** The end that takes. */
export interface IncomingLine {
  /** @param onClosed Told when nothing more can come. */
  listen(onFrame: (frame: LineFrame) => void, onClosed: () => void): void;
  close(): void;
}

export interface WorkerLinesOptions {
  /** Of the job: of this user alone. */
  readonly directory: string;
  readonly worker: number;
  /** Somebody dialled. @returns Whether the line is wanted. */
  readonly onLine: (hello: unknown, line: IncomingLine) => boolean;
  /** What came is none of ours. */
  readonly onBroken: (error: unknown) => void;
}

/** The kernel takes 107, macOS 103. */
const MAX_PATH_BYTES = 100;
const KEY_BYTES = 16;

export class WorkerLines {
  readonly #options: WorkerLinesOptions;
  readonly #key = randomBytes(KEY_BYTES).toString("hex");
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #address: Promise<string | undefined> | undefined;

  constructor(options: WorkerLinesOptions) {
    this.#options = options;
  }

  /** Where others reach this worker; undefined when they cannot. */
  address(): Promise<string | undefined> {
    // A runtime may allow no sockets: then mail goes by way of the agent, as before.
    this.#address ??= this.#listen().catch(() => undefined);
    return this.#address;
  }

  /** Opens a line to a worker, if it can be reached. @param onOpen Told when it is there; what it returns goes first. */
  dial(address: string, onOpen: (line: Line) => Hello): void {
    const [key, path] = split(address);
    const socket = connect({ path });
    this.#sockets.add(socket);
    // Its worker is gone, or hears no more.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
    const writer = new LineWriter(socket);
    socket.on("connect", () => {
      let isGreeted = false;
      let isOver = false;
      const end = (): void => {
        isOver = true;
        if (isGreeted) writer.end();
      };
      const hello = onOpen({ send: (head, payload) => writer.write(frameParts(head, payload)), end });
      writer.write(frameParts([key, hello], NOTHING));
      isGreeted = true;
      if (isOver) writer.end();
    });
  }

  close(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #listen(): Promise<string | undefined> {
    const { directory, worker } = this.#options;
    const path = join(directory, `line-${worker}-${process.pid}.sock`);
    if (process.platform === "win32" || Buffer.byteLength(path) > MAX_PATH_BYTES)
      return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => this.#accept(socket));
      this.#server = server;
      server.unref();
      server.on("error", reject);
      server.listen(path, () => {
        chmod(path, 0o600).then(() => resolve(`${this.#key} ${path}`), reject);
      });
    });
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    const reader = new FrameReader();
    let heard: ((frame: LineFrame) => void) | undefined;
    let closed = (): void => undefined;
    const line: IncomingLine = {
      listen: (onFrame, onClosed) => {
        heard = onFrame;
        closed = onClosed;
      },
      close: () => socket.destroy(),
    };
    const take = (piece: Uint8Array): void => {
      for (const frame of reader.take(piece)) {
        if (heard !== undefined) heard(frame);
        else if (!this.#greet(frame.head, line)) socket.destroy();
      }
    };
    socket.on("data", (piece: Uint8Array) => {
      try {
        take(piece);
      } catch (error) {
        socket.destroy();
        if (heard !== undefined) this.#options.onBroken(error);
      }
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#sockets.delete(socket);
      closed();
    });
  }

  #greet(head: unknown, line: IncomingLine): boolean {
    const [key, hello] = Array.isArray(head) ? head : [];
    return key === this.#key && this.#options.onLine(hello, line);
  }
}

const NOTHING = new Uint8Array(0);

function split(address: string): readonly [key: string, path: string] {
  const at = address.indexOf(" ");
  return [address.slice(0, at), address.slice(at + 1)];
}
