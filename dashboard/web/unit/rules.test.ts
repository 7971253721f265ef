import assert from "node:assert/strict";
import { test } from "node:test";

import { language } from "../src/lib/i18n.svelte";
import { judgementOf, learned } from "../src/lib/judgement";
import { type Draft, drafted, draftOf, parsed, specsOf } from "../src/lib/rule_draft";
import { paramGroup, paramText, rightPct, settingText, sourceText } from "../src/lib/rules";
import { csvOf, linesOf, summed } from "../src/lib/tries";
import type { Parameter, Precision, RuleDetail, Setting, Try, TryHome, TryLine } from "../src/lib/rule_types";

await language.need("rules");

const LIMIT: Parameter = { name: "limit_w", type: "float", default: 5500, low: 500, high: 50_000 };
const MINUTES: Parameter = { name: "limit_min", type: "int", default: 10, low: 1, high: 240 };

function detail(set: Record<string, number>): RuleDetail {
  const values = {
    limit_w: { value: set["limit_w"] ?? 5500, source: "configured" },
    limit_min: { value: set["limit_min"] ?? 10, source: "configured" },
  };
  const scope = { scope: "county", homes: 3, set, values };
  return { parameters: [LIMIT, MINUTES], ask_first: null, scope } as unknown as RuleDetail;
}

function draft(set: Record<string, number>, typed: Draft) {
  return drafted(detail(set), [LIMIT, MINUTES], typed);
}

test("what is typed is checked against type and range", () => {
  assert.deepEqual(parsed(LIMIT, " 4000 "), { value: 4000 });
  assert.deepEqual(parsed(LIMIT, "4e9"), { wrong: "range" });
  assert.deepEqual(parsed(LIMIT, ""), { wrong: "number" });
  assert.deepEqual(parsed(MINUTES, "1.5"), { wrong: "whole" });
  const list: Parameter = { name: "copd_users", type: "list", default: [], low: null, high: null };
  assert.deepEqual(parsed(list, "1，2, 3"), { value: ["1", "2", "3"] });
  const asks: Parameter = { name: "ask_first_s", type: "int", default: 300, low: 60, high: 1800 };
  assert.deepEqual(parsed(asks, "0"), { value: 0 });
  assert.deepEqual(parsed(asks, "30"), { wrong: "ask" });
});

test("a change keeps what else is set, and what is typed back is no change", () => {
  const found = draft({ limit_min: 20 }, { limit_w: "4000" });
  assert.deepEqual(found.params, { limit_min: 20, limit_w: 4000 });
  assert.deepEqual(found.typed, { limit_w: 4000 });
  assert.equal(draft({}, { limit_w: "5500" }).changed, false);
  assert.equal(draft({}, { limit_w: "oops" }).changed, false);
  assert.deepEqual(draft({}, { limit_w: "oops" }).wrong, { limit_w: "number" });
});

test("what is taken back goes, and only if it was there", () => {
  const found = draft({ limit_w: 4000, limit_min: 20 }, { limit_w: null });
  assert.deepEqual([found.params, found.changed], [{ limit_min: 20 }, true]);
  assert.equal(draft({ limit_min: 20 }, { limit_w: null }).changed, false);
});

test("asking first is a parameter where the rule may ask", () => {
  const may = { ...detail({}), ask_first: { usual_s: 300, low: 60, high: 1800 } };
  assert.deepEqual(specsOf(may, true).map((spec) => spec.name), ["limit_w", "limit_min", "ask_first_s"]);
  assert.equal(specsOf(may, false).length, 2);
  assert.equal(specsOf(detail({}), true).length, 2);
});

test("a draft says the parameters that it was made of", () => {
  assert.deepEqual(draftOf({ limit_w: 4000, confirm_spot: true, users: ["a", "b"] }), {
    limit_w: "4000",
    confirm_spot: "true",
    users: "a, b",
  });
});

test("parameters with their units", () => {
  assert.equal(paramText("confirm_min", 30), "30 分钟");
  assert.equal(paramText("mean_days_min", 3), "3 天");
  assert.equal(paramText("from_h", 4), "4 点");
  assert.equal(paramText("urgent_low_mmol_l", 3.9), "3.9 mmol/L");
  assert.equal(paramText("ask_first_s", 0), "不问");
  assert.equal(paramText("ask_first_s", 300), "5\u00a0分钟");
  assert.equal(paramText("confirm_spot", true), "是");
  assert.equal(paramText("listens_to", ["fall", "gas"]), "跌倒探测、燃气探测");
  assert.equal(paramText("meter", ""), "自动选择");
  assert.equal(paramGroup("urgent_systolic_mmhg"), "limits");
  assert.equal(paramGroup("release_mmhg"), "over");
  assert.equal(paramGroup("trend_up_mmhg"), "trend");
});

test("who says so, seen from where one looks", () => {
  assert.equal(sourceText("person:p1", "person:p1"), "本人");
  assert.equal(sourceText("person:p2", "person:p1"), "同住的人");
  assert.equal(sourceText("category:独居", "person:p1"), "类别：独居");
});

test("what a setting did", () => {
  const said = { mode: null, params: null, reason: "" } as unknown as Setting;
  assert.equal(settingText("overload", said), "确认界限");
  assert.equal(settingText("overload", { ...said, params: {} }), "取消设置");
  assert.equal(settingText("overload", { ...said, params: { limit_w: 4000 } }), "过载功率 4000 W");
  assert.equal(settingText("overload", { ...said, mode: "shadow" }), "转为试运行");
});

test("few judged alarms make no percentage", () => {
  const counts = { real: 3, false: 1 } as Precision;
  assert.equal(rightPct(counts), null);
  assert.equal(rightPct({ ...counts, false: 2 }), 60);
});

test("only rules that were changed are in the sentence", () => {
  const line = { changed: true, now: 1, then: 4, only_now: 0, only_then: 3, then_earlier: 0 };
  const ended = { then_later: 0, of_alarms_closed_real: 2, of_alarms_closed_false: 1, missed_real: 0 };
  const other = { ...line, ...ended, rule: "pulse", changed: false, then: 100 };
  const lines = [{ ...line, ...ended }, other] as unknown as TryLine[];
  const sums = summed(linesOf({ changes: [] } as unknown as Try, lines));
  assert.deepEqual([sums.now, sums.then, sums.real, sums.same], [1, 4, 2, false]);
  // Asked for with the limits that it has: what it raises is told, not 0.
  const asked = { changes: [{ rule: "pulse" }] } as unknown as Try;
  assert.deepEqual(linesOf(asked, lines), lines);
});

test("a file for a spreadsheet quotes what it must and starts no formula", () => {
  const home = {
    home: "home-1",
    rule: "overload",
    address: '=cmd|"x", 3',
    region_path: [],
    persons: [{ id: "p", name: "张桂英", age: 80 }],
    now: 0,
    then: 2,
    only_now: 0,
    only_then: 2,
    only_now_at: [],
    only_then_at: ["2026-11-01T00:00:00Z"],
  } as TryHome;
  const [, row] = csvOf([home]).split("\r\n");
  assert.equal(row, `home-1,"'=cmd|""x"", 3",张桂英,overload,0,2,0,2,,2026-11-01T00:00:00Z`);
});

test("what is usual, what is seen, since when, and how sure it is", () => {
  const evidence = { reason: "not_up_yet", usual_up: "06:40", days_learned: 9, late_h: 2.5 };
  assert.deepEqual(judgementOf({ kind: "not_up_yet", evidence, state: "late" }), {
    normal: ["平常起床 06:40"],
    limits: [],
    seen: ["比平常晚 2\u00a0小时\u00a030\u00a0分钟"],
    since: null,
    sure: ["还在学习，界限放宽"],
  });
  assert.deepEqual(learned("not_up_yet", evidence), { known: 9, wanted: 14, text: "known" });
  assert.equal(learned("sos", evidence), null);
  const full = judgementOf({ kind: "not_up_yet", evidence: { days_learned: 40 }, state: "cannot_judge" });
  assert.deepEqual(full.sure, ["数据不全，暂时无法判断", "已学满，按本人习惯判断"]);
});

test("a home whose lived and empty days look alike is not said to lack data", () => {
  const sure = (reason: string) =>
    judgementOf({ kind: "no_sign_of_life", evidence: { reason, days_learned: 60 }, state: "cannot_judge" }).sure;
  for (const reason of ["lived_while_away", "weak_signal", "coarse_register"]) assert.deepEqual(sure(reason), []);
  assert.ok(sure("meter_quiet").includes("数据不全，暂时无法判断"));
});

test("what went silent is silent since it was heard last", () => {
  const evidence = { after_s: 3600, silent_s: 3600, last_heard_ms: 7 };
  assert.equal(judgementOf({ kind: "gateway_silent", evidence }).since, 7);
});

test("a finding with limits says so, and when it began", () => {
  const found = judgementOf({
    kind: "blood_pressure",
    evidence: {
      systolic_mmhg: 192,
      diastolic_mmhg: 118,
      limit_systolic_mmhg: 180,
      limits_unconfirmed: true,
      since_ms: 1000,
    },
  });
  assert.deepEqual(found, {
    normal: [],
    limits: ["收缩压界限 180 mmHg"],
    seen: ["192/118 mmHg"],
    since: 1000,
    sure: ["按固定界限判断", "界限未经医生确认"],
  });
});

test("what was found out about silences before is said in a sentence", () => {
  const said = (evidence: Record<string, number>): string[] =>
    judgementOf({ kind: "no_sign_of_life", evidence: { ...evidence, days_learned: 60 } }).sure;
  assert.deepEqual(said({}).length, 1);
  const told: [Record<string, number>, string][] = [
    [{ wrong_in_year: 2 }, "家里一年内这样安静过 2 次，没多久都有了动静"],
    [{ wrong_in_year: 3, confirmed_in_year: 1 }, "家里一年内这样安静过 3 次，其中 1 次有人确认平安"],
    [{ wrong_in_year: 3, confirmed_in_year: 3 }, "家里一年内这样安静过 3 次，都有人确认平安"],
  ];
  for (const [evidence, sentence] of told) assert.equal(said(evidence)[1], sentence);
  assert.deepEqual(said({ refuted_in_year: 3, window_h: 48 }).slice(1), [
    "这家一年内已有 3 次误报，等到 48 小时才报",
  ]);
  assert.equal(said({ window_h: 25 }).length, 1);
});
