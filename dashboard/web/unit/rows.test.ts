import assert from "node:assert/strict";
import { test } from "node:test";

import type { Row } from "../src/lib/order";
import { alarmsIn, movedKeys, shownRows } from "../src/lib/rows";
import type { Alarm } from "../src/lib/alarm_types";

const rows: Row[] = ["a", "b", "c", "d"].map((id) => ({ key: id, alarm: { id } as Alarm, inGroup: false }));

test("a long list is cut, but never above the selected line", () => {
  const keys = (wanted: number, selected: string | null) =>
    shownRows(rows, wanted, selected).map((row) => row.key).join("");
  assert.equal(keys(4, null), "abcd");
  assert.equal(keys(2, null), "ab");
  assert.equal(keys(2, "a"), "ab");
  assert.equal(keys(2, "c"), "abc");
  assert.equal(keys(2, "gone"), "ab");
});

test("what is left is counted in alarms", () => {
  const group = [{ id: "x" }, { id: "y" }, { id: "z" }] as Alarm[];
  assert.equal(alarmsIn(rows), 4);
  assert.equal(alarmsIn([{ key: "g", group, open: false }, ...rows.slice(0, 1)]), 4);
  // Open, its members are lines of their own.
  assert.equal(alarmsIn([{ key: "g", group, open: true }]), 0);
});

test("a line that came or was pushed has moved, those above it have not", () => {
  assert.deepEqual(movedKeys(["a", "b", "c"], ["a", "new", "b", "c"]), ["new", "b", "c"]);
  assert.deepEqual(movedKeys(["a", "b", "c"], ["a", "c"]), ["c"]);
  assert.deepEqual(movedKeys(["a", "b"], ["a", "b"]), []);
});
