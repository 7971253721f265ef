import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError, request, sessionBegan, whenLimited, whenStepUp } from "../src/lib/api";
import { saveFile } from "../src/lib/files";

function answers(...all: Response[]): string[] {
  const asked: string[] = [];
  globalThis.fetch = (path, init) => {
    asked.push(`${init?.method ?? "GET"} ${String(path)}`);
    const next = all.shift();
    return next === undefined ? Promise.reject(new Error("nothing more")) : Promise.resolve(next);
  };
  return asked;
}

function refusal(status: number, type: string): Response {
  return new Response(JSON.stringify({ type, detail: "" }), { status });
}

test("a file that is fetched once is fetched the same way after the second step", async () => {
  const link = { href: "", download: "", click: () => undefined };
  Object.assign(globalThis, { document: { createElement: () => link } });
  const asked = answers(refusal(403, "step_up"), new Response("1"));
  whenStepUp(() => Promise.resolve(true));
  await saveFile("export-requests/1/content", "POST");
  assert.deepEqual(asked, Array(2).fill("POST /api/v1/export-requests/1/content"));
});

test("what a limited session is refused is told once", async () => {
  let told = 0;
  whenLimited(() => {
    told += 1;
    sessionBegan();
  });
  answers(refusal(403, "second_factor"), refusal(403, "factor_wanted"), refusal(403, "forbidden"));
  const asked = ["alarms", "tasks", "homes"].map((path) => request("GET", path).catch((error) => error));
  const codes = (await Promise.all(asked)).map((error) => (error instanceof ApiError ? error.code : ""));
  assert.deepEqual(codes, ["second_factor", "factor_wanted", "forbidden"]);
  assert.equal(told, 1);
});
