/**
 * What the hono apps of all roles have in common: the version that is spoken, the ids of
 * requests, and errors as answers. Knows no route.
 */
import { Hono } from "hono";
import { LucioleError, ProtocolError } from "../core/errors.ts";
import { PROTOCOL, PROTOCOL_HEADER, REQUEST_HEADER } from "./protocol.ts";
import { failedRequest, type OnFailure, requestId } from "./request_id.ts";

export type Role = "agent" | "master";

/** An app that refuses other versions of the protocol. */
export function createApp(role: Role, onFailure?: OnFailure): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    const { raw } = context.req;
    const version = context.req.header(PROTOCOL_HEADER);
    if (version === String(PROTOCOL)) await next();
    else context.res = failedRequest(raw, wrongVersion(role, version), { status: 426, onFailure });
    const id = requestId(raw);
    if (id !== undefined) context.res.headers.set(REQUEST_HEADER, id);
  });
  app.notFound(({ req }) => failedRequest(req.raw, noRoute(role, req.path), { onFailure }));
  app.onError((error, { req }) => failedRequest(req.raw, error, { onFailure }));
  return app;
}

function noRoute(role: Role, path: string): LucioleError {
  const message = `Cannot find ${path}: this ${role} has no such route`;
  return new LucioleError("not-found", message, { fields: { role } });
}

function wrongVersion(role: Role, version: string | undefined): ProtocolError {
  const theirs = version === undefined ? "none" : JSON.stringify(version.slice(0, 20));
  return new ProtocolError(
    `Cannot take the request: it speaks protocol ${theirs}, this ${role} ${PROTOCOL}`,
    {
      fields: { protocol: PROTOCOL },
    },
  );
}
