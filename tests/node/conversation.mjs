// How a program talks to the test that runs it: one line of JSON each way. Reading blocks, so that a callback which
// nobody awaits (a device code's) still gives the person the time to act.
import { readSync } from "node:fs";

let rest = "";

export const say = (what) => console.log(JSON.stringify(what));

const sleeping = new Int32Array(new SharedArrayBuffer(4));

// A library that touches process.stdin (@azure/identity does) makes it non-blocking.
const readBlocking = (chunk) => {
  for (;;) {
    try {
      return readSync(0, chunk);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(sleeping, 0, 0, 5);
    }
  }
};

export const hear = () => {
  const chunk = Buffer.alloc(65536);
  while (!rest.includes("\n")) {
    const size = readBlocking(chunk);
    if (size === 0) process.exit(1); // the test is gone
    rest += chunk.toString("utf8", 0, size);
  }
  const line = rest.slice(0, rest.indexOf("\n"));
  rest = rest.slice(line.length + 1);
  return JSON.parse(line);
};

export const ask = (what) => {
  say(what);
  return hear();
};
