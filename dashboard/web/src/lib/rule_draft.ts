// What is typed over the parameters of a rule, until it is saved or tried. Pure.

import { ASK_KEY } from "./rules";
import type { Parameter, ParamValue, Params, RuleDetail } from "./rule_types";

/** Text by parameter; what is not here was not touched. null: as wider scopes have it. */
export type Draft = Record<string, string | null>;
export type Wrong = "number" | "whole" | "range" | "ask";

export function textOf(value: ParamValue): string {
  return Array.isArray(value) ? value.join(", ") : String(value);
}

export function parsed(spec: Parameter, text: string): { value: ParamValue } | { wrong: Wrong } {
  const trimmed = text.trim();
  if (spec.type === "bool") return { value: trimmed === "true" };
  if (spec.type === "str") return { value: trimmed };
  if (spec.type === "list") {
    return { value: trimmed.split(/[,，、\s]+/).filter((part) => part !== "") };
  }
  const value = Number(trimmed);
  if (trimmed === "" || !Number.isFinite(value)) return { wrong: "number" };
  if (spec.type === "int" && !Number.isInteger(value)) return { wrong: "whole" };
  const { low, high } = spec;
  if (spec.name === ASK_KEY && value === 0) return { value };
  if (low !== null && high !== null && (value < low || value > high)) {
    return { wrong: spec.name === ASK_KEY ? "ask" : "range" };
  }
  return { value };
}

/** The parameters of a rule, and how long it asks first where it may. */
export function specsOf(detail: RuleDetail, withAsking: boolean): Parameter[] {
  if (detail.ask_first === null || !withAsking) return detail.parameters;
  const { usual_s, low, high } = detail.ask_first;
  return [...detail.parameters, { name: ASK_KEY, type: "int", default: usual_s, low, high }];
}

export interface Drafted {
  /** All that is set in the scope afterwards. */
  params: Params;
  /** Of them what was typed. */
  typed: Params;
  wrong: Record<string, Wrong>;
  changed: boolean;
}

export function drafted(detail: RuleDetail, specs: Parameter[], draft: Draft): Drafted {
  const { set, values } = detail.scope;
  const params: Params = { ...set };
  const typed: Params = {};
  const wrong: Record<string, Wrong> = {};
  let changed = false;
  for (const spec of specs) {
    const text = draft[spec.name];
    if (text === undefined) continue;
    if (text === null) {
      changed ||= spec.name in params;
      delete params[spec.name];
      continue;
    }
    const found = parsed(spec, text);
    if ("wrong" in found) {
      wrong[spec.name] = found.wrong;
      continue;
    }
    // Typed back to what holds anyway: nothing to say.
    if (same(found.value, values[spec.name]?.value)) continue;
    params[spec.name] = found.value;
    typed[spec.name] = found.value;
    changed = true;
  }
  return { params, typed, wrong, changed };
}

/** A draft that says these parameters. */
export function draftOf(params: Params): Draft {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, textOf(value)]));
}

function same(one: ParamValue, other: ParamValue | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
