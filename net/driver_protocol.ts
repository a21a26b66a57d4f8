/**
 * The part of the protocol that is about detached drivers: programs in driver mode that agents run.
 *
 * Same rules as net/protocol.ts. docs/protocol.md shows both.
 */
import type { DriverState } from "../core/cluster/driver_info.ts";
import type { ProgramRef } from "../core/program_blocks/program_ref.ts";
import type { ClientTls } from "./runtime/runtime.ts";

/** Body of `PUT /v1/drivers/:driver`: runs a program that was sent before as the driver of this job. */
export interface DriverOrder {
  readonly program: ProgramRef;
  /** The program's file on the machine of who sent it: what the program finds in its argv. */
  readonly script: string;
  readonly args: readonly string[];
  /** Flags of the run as text, by name; none that is about reaching the cluster. */
  readonly flags: Readonly<Record<string, string>>;
  /** Environment beside the agent's allow-list. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** What people call the job, and who sent it ("user@host"). */
  readonly name: string;
  readonly driver: string;
  /** 1, and one more each time that it is started again. */
  readonly run: number;
  /** It runs there, and is to start here only when that agent is gone. */
  readonly guards?: DriverHome;
}

/** The agent that runs a driver. */
export interface DriverHome {
  readonly agent: string;
  /** "host:port". */
  readonly address: string;
}

/** Answer of `GET /v1/drivers/:driver`. */
export interface DriverReply {
  readonly job: string;
  readonly run: number;
  readonly state: DriverState;
  readonly exitCode?: number;
  readonly cause?: string;
  /** The agent that starts it again when this one is gone. */
  readonly guardian?: string;
}

/** Items of the stream `GET /v1/drivers/:driver/output`. `next` is where a reader goes on who has it. */
export type OutputItem =
  | {
      readonly kind: "output";
      readonly next: number;
      readonly stream: OutputStream;
      /** Milliseconds since 1970. */
      readonly time: number;
      readonly bytes: Uint8Array;
    }
  /** What was there before is not kept any more. */
  | { readonly kind: "dropped"; readonly next: number; readonly count: number }
  /** The last one, when the driver has ended. */
  | { readonly kind: "ended"; readonly reply: DriverReply };

export type OutputStream = "stdout" | "stderr";

/** Answer of `GET /v1/drivers/:driver/access`, asked again while the driver runs: what it may show to others. */
export interface DriverAccess {
  readonly run: number;
  readonly driver: string;
  readonly program: ProgramRef;
  /** "host:port". */
  readonly masters: readonly string[];
  /** Good for the jobs of this driver, for a few minutes. */
  readonly token?: string;
  /** Good for longer, and only to keep the leases of these jobs. */
  readonly leaseToken?: string;
  readonly tls?: ClientTls;
  /** Another agent starts it again when this one answers nothing: then it must have ended. */
  readonly isGuarded: boolean;
}

export const DRIVER_ROUTES = {
  /** `guard` is the agent that asks to guard it. */
  driver: (driver: string, guard?: string) =>
    `/v1/drivers/${driver}${guard === undefined ? "" : `?guard=${guard}`}`,
  /** From a byte on; a stream that goes on until the driver ends when it is followed. */
  output: (driver: string, from: number, isFollowed: boolean) =>
    `/v1/drivers/${driver}/output?from=${from}${isFollowed ? "&follow=1" : ""}`,
  access: (driver: string) => `/v1/drivers/${driver}/access`,
} as const;
