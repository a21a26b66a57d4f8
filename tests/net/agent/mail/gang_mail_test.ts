/** Mail for workers whose processes come and go while gangs begin. */
import { expect, test } from "bun:test";
import { GangMail } from "../../../../net/agent/mail/gang_mail.ts";
import type { Mail } from "../../../../net/mail.ts";

const letter = (gang: string, sequence: number): Mail => ({
  gang,
  from: 0,
  agent: "a",
  worker: 1,
  kind: "value",
  sequence,
  label: "send",
  payload: new Uint8Array(0),
});

/** What each process of worker 1 was handed. */
function boxes() {
  const handed: string[] = [];
  let life = 0;
  const mail = new GangMail((_, { gang, sequence }) => handed.push(`${life}: ${gang} ${sequence}`));
  const start = (): void => {
    life += 1;
    mail.started(1);
  };
  return { handed, mail, start };
}

test("a letter that comes before its order waits for the process that gets it, and is in order", () => {
  const { handed, mail, start } = boxes();
  start();
  mail.deliver(1, letter("g1", 1));
  mail.deliver(1, letter("g1", 2));
  // The process that has not been given the order of the gang ends: the letters are for the next one.
  start();
  expect(handed).toEqual([]);
  mail.given(1, "g1");
  mail.deliver(1, letter("g1", 3));
  expect(handed).toEqual(["2: g1 1", "2: g1 2", "2: g1 3"]);
});

test("what is for a gang of a process that is gone goes to nobody", () => {
  const { handed, mail, start } = boxes();
  mail.deliver(1, letter("g1", 1));
  start();
  mail.given(1, "g1");
  start();
  mail.deliver(1, letter("g1", 2));
  mail.given(1, "g2");
  mail.deliver(1, letter("g2", 3));
  mail.forget(1);
  mail.deliver(1, letter("g2", 4));
  mail.given(1, "g3");
  expect(handed).toEqual(["2: g2 3"]);
});

test("letters of gangs whose orders never come are bounded", () => {
  const { handed, mail, start } = boxes();
  start();
  for (let gang = 0; gang < 1000; gang++) mail.deliver(1, letter(`g${gang}`, gang));
  for (let gang = 0; gang < 1000; gang++) mail.given(1, `g${gang}`);
  expect(handed.length).toBe(16);
  expect(handed.at(-1)).toBe("1: g999 999");
});

test("letters of gangs whose orders never come are bounded in bytes, but for those of the latest gang", () => {
  const { handed, mail, start } = boxes();
  start();
  const payload = new Uint8Array(8 * 2 ** 20);
  for (let gang = 0; gang < 10; gang++) {
    for (let i = 0; i < 3; i++) mail.deliver(1, { ...letter(`g${gang}`, i), payload });
  }
  for (let i = 0; i < 20; i++) mail.deliver(1, { ...letter("large", i), payload });
  for (let gang = 0; gang < 10; gang++) mail.given(1, `g${gang}`);
  expect(handed).toEqual([]);
  mail.given(1, "large");
  expect(handed).toEqual(Array.from({ length: 20 }, (_, i) => `1: large ${i}`));
});

test("letters of a few gangs that begin late stay when they are small", () => {
  const { handed, mail, start } = boxes();
  start();
  const payload = new Uint8Array(2 ** 20);
  for (let gang = 0; gang < 12; gang++) {
    for (let i = 0; i < 5; i++) mail.deliver(1, { ...letter(`g${gang}`, i), payload });
  }
  for (let gang = 0; gang < 12; gang++) mail.given(1, `g${gang}`);
  expect(handed.length).toBe(60);
});
