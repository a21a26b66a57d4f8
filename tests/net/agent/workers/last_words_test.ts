/** The line of stderr that tells why a process ended. */
import { expect, test } from "bun:test";
import { lastWords } from "../../../../net/agent/workers/last_words.ts";

test.each([
  [
    [
      "1 | import x;",
      "        ^",
      "error: no start",
      "      at run (/home/user/job.ts:2:11)",
      "",
      "Bun v1.4.5 (Linux x64)",
    ],
    "no start (/home/user/job.ts:2)",
  ],
  [
    [
      "\x1b[0m\x1b[1m\x1b[31merror\x1b[0m: Uncaught (in promise) RangeError: too far",
      "    at \x1b[36mfile:///home/user/job.ts\x1b[0m:3:1",
    ],
    "RangeError: too far (file:///home/user/job.ts:3)",
  ],
  [
    ["TypeError: no such thing", "    at /home/user/a.ts:4:1"],
    "TypeError: no such thing (/home/user/a.ts:4)",
  ],
  [
    [
      "ASSERTION FAILED: MemoryExhaustion: memory is exhausted.",
      "RSS: 3.69 GB | Peak: 3.69 GB",
      "panic(main thread): abort() called",
    ],
    "MemoryExhaustion: memory is exhausted. (it held 3.69 GB of memory)",
  ],
  [["panic(main thread): Segmentation fault"], "Segmentation fault"],
  [["panic: Illegal instruction"], "Illegal instruction"],
  [
    [
      "/c/ab.exe: error while loading shared libraries: libx.so.1: cannot open shared object file: No such file or directory",
    ],
    "error while loading shared libraries: libx.so.1: cannot open shared object file: No such file or directory",
  ],
  [
    ["/c/ab.exe: /lib/libc.so.6: version `GLIBC_2.99' not found (required by /c/ab.exe)"],
    "/lib/libc.so.6: version `GLIBC_2.99' not found (required by /c/ab.exe)",
  ],
  [["dyld[12]: Library not loaded: @rpath/libx.dylib"], "Library not loaded: @rpath/libx.dylib"],
  [
    ["RSS: 3.68 GB | Peak: 3.68 GB", "panic(main thread): Segmentation fault at address 0xBBADBEEF"],
    "the JavaScript engine gave up, most likely for want of memory (it held 3.68 GB of memory)",
  ],
  [["a line of the program", "another"], undefined],
  [[], undefined],
])("lastWords() of %j", (lines, words) => {
  expect(lastWords(lines)).toBe(words);
});
