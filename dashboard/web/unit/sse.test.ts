import assert from "node:assert/strict";
import { test } from "node:test";

import { EventParser } from "../src/lib/sse";

const STREAM =
  'retry: 1000\n\nid: 41\n: ready\n\nid: 42\nevent: alarm\ndata: {"a":1}\ndata: {"b":"守望"}\n\n' +
  ": still here\n\nid: 43\r\nevent: reset\r\ndata: {}\r\n\r\n";

test("events come out whole however the text is cut", () => {
  for (let size = 1; size <= STREAM.length; size++) {
    const parser = new EventParser();
    const found = [];
    for (let at = 0; at < STREAM.length; at += size) {
      found.push(...parser.feed(STREAM.slice(at, at + size)));
    }
    assert.deepEqual(found, [
      { type: "alarm", data: '{"a":1}\n{"b":"守望"}' },
      { type: "reset", data: "{}" },
    ]);
    assert.equal(parser.lastId, "43");
  }
});

test("an id without data is where to resume", () => {
  const parser = new EventParser();
  assert.deepEqual(parser.feed("id: 7\n: ready\n\n"), []);
  assert.equal(parser.lastId, "7");
});

test("comments alone are no events", () => {
  assert.deepEqual(new EventParser().feed(": hello\n\n:\n\n"), []);
});
