/**
 * Output that nobody reads any more, as `head` does when it has enough: without this it ends the process with a stack.
 *
 * It does not know what is printed.
 */
import process from "node:process";

let isOutliving = false;
let isEnding = false;

/** Goes on when whoever reads the output has enough of it: there may be more to do than to print. */
export function outliveReaders(): void {
  if (isOutliving) return;
  isOutliving = true;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      if (isEnding && stream === process.stdout) process.exit();
    });
  }
}

/** Ends the process instead, without a word: all that it does is print. */
export function endWithReaders(): void {
  isEnding = true;
  outliveReaders();
}
