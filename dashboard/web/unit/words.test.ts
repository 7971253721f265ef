import assert from "node:assert/strict";
import { test } from "node:test";

import { clockSpan, decimal, heartbeatAgo, longSpan, waitSpan } from "../src/lib/format";
import { filled, language } from "../src/lib/i18n.svelte";
import type { Alarm, Evidence } from "../src/lib/alarm_types";
import { alarmPlace, evidenceRows, explanation, headline, particulars, ruleWords, where, whereParts, who } from "../src/lib/words";

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 23, 19);

function alarm(kind: string, reason: string, evidence: Evidence, more: Partial<Alarm> = {}): Alarm {
  const base = { persons: [], home: null, gateway: "gw-1", device: "d", device_label: "床头按钮" };
  return { ...base, kind, reason, evidence, ...more } as unknown as Alarm;
}

test("what happened, in Chinese", () => {
  assert.equal(headline({ kind: "sos", reason: "pressed" }), "按下呼叫按钮");
  assert.equal(headline({ kind: "blood_pressure", reason: "high_confirmed" }), "血压过高，复测确认");
});

test("a reason or kind of a newer hub still says something", () => {
  assert.equal(headline({ kind: "blood_pressure", reason: "brand_new" }), "血压异常");
  assert.equal(headline({ kind: "lightning", reason: "struck" }), "lightning报警");
});

test("the figures of a repeated blood pressure", () => {
  const evidence = {
    systolic_mmhg: 192,
    diastolic_mmhg: 118,
    pulse_bpm: 96,
    count: 2,
    mean_systolic_mmhg: 190.5,
    mean_diastolic_mmhg: 117,
    limit_systolic_mmhg: 180,
    limit_diastolic_mmhg: 110,
  };
  const case_ = alarm("blood_pressure", "high_confirmed", evidence);
  assert.equal(particulars(case_, NOW), "192/118 mmHg · 脉搏 96 · 2 次平均 191/117");
  assert.match(explanation(case_) ?? "", /≥ 180 .*≥ 110/);
});

test("what a week's mean is about is said before the last reading, which may be quite usual", () => {
  const evidence = {
    systolic_mmhg: 121,
    diastolic_mmhg: 70,
    count: 1,
    week_systolic_mmhg: 146.2,
    week_diastolic_mmhg: 88.3,
  };
  const case_ = alarm("blood_pressure", "mean_high", evidence);
  assert.equal(particulars(case_, NOW), "一周平均 146/88 mmHg · 最近一次 121/70 mmHg");
  const sugar = alarm("glucose", "mean_high", { glucose_mmol_l: 6.1, week_glucose_mmol_l: 11.4 });
  assert.match(particulars(sugar, NOW), /^一周平均 11\.4.* · 最近一次 6\.1/);
});

test("a vital sign shows its value, the mean that counted, and why", () => {
  const evidence = { spo2_pct: 90, mean_spo2_pct: 88.5, count: 2, limit_spo2_pct: 91 };
  const case_ = alarm("oximetry", "low_confirmed", evidence);
  assert.match(particulars(case_, NOW), /^90% · 2 次平均 88\.5/);
  assert.match(explanation(case_) ?? "", /不高于 91%/);
  const missing = alarm("glucose", "measurement_missing", { missing_days: 3 });
  assert.match(particulars(missing, NOW), /^3\u00a0天.*没有测量/);
});

test("limits that no clinician has signed are called that", () => {
  const evidence = { reason: "usual", spo2_pct: 97 };
  assert.equal(ruleWords("oximetry", evidence), "最近一次血氧 97%，属平常水平。");
  const words = ruleWords("oximetry", { ...evidence, limits_unconfirmed: true });
  assert.match(words, /属平常水平。 界限尚未经医生确认。$/);
});

test("silence is counted until now, lateness is said", () => {
  const silent = alarm("no_sign_of_life", "no_activity", { quiet_since_ms: NOW - 27 * HOUR });
  assert.match(particulars(silent, NOW), /^1\u00a0天\u00a03\u00a0小时没有动静/);
  const late = alarm("sos", "pressed", { late: true, delay_s: 7200 });
  assert.match(particulars(late, NOW), /信号迟到 2\u00a0小时$/);
});

test("which fault, and how much battery is left", () => {
  assert.equal(particulars(alarm("device_fault", "no_answer", {}), NOW), "没有应答 · 床头按钮");
  const low = alarm("low_battery", "battery_low", { battery_pct: 12 });
  assert.equal(particulars(low, NOW), "电量 12% · 床头按钮");
  assert.equal(ruleWords("device_fault", { reason: "no_answer" }), "没有应答");
  const rows = evidenceRows({ fault: "no_answer", life_critical: true, began_ms: 7 }, String);
  assert.deepEqual(rows, [
    { name: "故障", value: "没有应答" },
    { name: "救命设备", value: "是" },
    { name: "开始时间", value: "7" },
  ]);
});

test("evidence that is drawn or said elsewhere is not listed", () => {
  const rows = evidenceRows(
    {
      readings: [[1, 2, 3]],
      first: { a: 1 },
      limit_bpm: 40,
      floor_w: 58.25,
      late: true,
      body_movement: false,
      cuff_fit: "ok",
      also: ["mean_high"],
    },
    String,
  );
  assert.deepEqual(rows, [
    { name: "底量功率", value: "58.3 W" },
    { name: "信号迟到", value: "是" },
    { name: "同时", value: "一周平均偏高" },
  ]);
});

test("who and where", () => {
  const path = ["平利县", "城关镇", "龙头村"];
  assert.equal(where({ region_path: path, address: "龙头村三组 5 号" }), "城关镇 · 龙头村三组 5 号");
  assert.equal(where({ region_path: path, address: "三组 5 号" }), "城关镇 · 龙头村 · 三组 5 号");
  assert.equal(who(alarm("sos", "pressed", {})), "未登记人员");
  assert.equal(who(alarm("gateway_silent", "no_heartbeat", {}, { device: null })), "网关 gw-1");
  assert.equal(alarmPlace(alarm("gateway_silent", "no_heartbeat", {}, { device: null })), "");
  assert.deepEqual(whereParts({ region_path: path, address: "三组 5 号" }), ["城关镇", "龙头村", "三组 5 号"]);
});

test("of what is masked nothing is said, not its stars", () => {
  const masked = { region_path: ["平利县", "城关镇", "龙头村"], address: "***" };
  assert.equal(where(masked), "城关镇 · 龙头村");
  assert.equal(particulars(alarm("sos", "pressed", {}, { device_label: "***" }), NOW), "");
});

test("spans", () => {
  assert.equal(clockSpan(7_000), "0:00:07");
  assert.equal(clockSpan(3_723_000), "1:02:03");
  assert.equal(clockSpan(-5_000), "0:00:00");
  assert.equal(clockSpan(26 * HOUR), "1\u00a0天\u00a02\u00a0小时");
  assert.equal(waitSpan(HOUR - 1), "0:59:59");
  assert.equal(waitSpan(HOUR), "1\u00a0小时");
  assert.equal(waitSpan(7.2 * HOUR), "7\u00a0小时\u00a012\u00a0分钟");
  assert.equal(longSpan(59_999), "59\u00a0秒");
  assert.equal(longSpan(90 * 60_000), "1\u00a0小时\u00a030\u00a0分钟");
  assert.equal(heartbeatAgo(new Date(NOW - HOUR).toISOString(), NOW, 60), "1\u00a0分钟前");
  assert.equal(decimal(1.0), "1");
  assert.equal(decimal(1.25), "1.3");
});

test("English has singular and plural", async () => {
  await language.set("en").catch(() => undefined);
  assert.equal(filled("{count} home|{count} homes", { count: 1 }), "1 home");
  assert.equal(filled("{count} home|{count} homes", { count: 0 }), "0 homes");
  assert.equal(filled("{a} {missing}", { a: "x" }), "x {missing}");
});
