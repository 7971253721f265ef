// The rota's calls of the hub.

import { query, request } from "./api";
import type {
  CalendarYear,
  DayFact,
  DaySaid,
  Duty,
  ImportResult,
  Leave,
  NewPattern,
  Pattern,
  RotaFact,
  RotaWindow,
  Sheet,
  SheetDetail,
  Shift,
  Staff,
  Swap,
  SwapMove,
} from "./rota_types";
import type { Page } from "./hub_types";

const id = encodeURIComponent;
// A screen of changes at a time; a year's notice is some forty of them.
const FACTS = 30;
const DAY_FACTS = 100;

export interface ShiftChange {
  shift: string;
  people?: string[];
  cancelled?: boolean;
  as_planned?: boolean;
  start?: string;
  end?: string;
  reason: string;
}

export interface NewDesk {
  id: string;
  name: string;
  region: string;
  kind: "duty" | "visit";
  seats: number;
  always: boolean;
  reason: string;
}

export const rotaApi = {
  window: (asked: { from: string; to: string; desk?: string }) =>
    request<RotaWindow>("GET", `rota${query(asked)}`),
  duty: () => request<Duty>("GET", "rota/duty"),
  people: (desk: string) => request<Page<Staff>>("GET", `rota/people${query({ desk })}`),
  makeDesk: (desk: NewDesk) => request<unknown>("POST", "rota", desk),
  patterns: (desk: string) => request<Page<Pattern>>("GET", `rota/${id(desk)}/patterns`),
  setPattern: (desk: string, pattern: NewPattern) =>
    request<Pattern>("POST", `rota/${id(desk)}/patterns`, pattern),
  changeShift: (change: ShiftChange) =>
    request<{ id: string; shift: Shift | null }>("POST", "rota/shifts", change),
  setLeave: (leave: { person?: string; from: string; until: string; reason: string }) =>
    request<Leave>("POST", "rota/leaves", leave),
  endLeave: (leave: string, reason: string) =>
    request<unknown>("POST", `rota/leaves/${id(leave)}/end`, { reason }),
  swaps: () => request<Page<Swap>>("GET", "rota/swaps"),
  askSwap: (swap: { given: string; taken: string | null; other: string; note: string }) =>
    request<Swap>("POST", "rota/swaps", swap),
  moveSwap: (swap: string, move: SwapMove) =>
    request<Swap>("POST", `rota/swaps/${id(swap)}/${move}`, {}),
  importFile: (file: Blob, asked: { desk?: string; apply?: boolean; skip_rejected?: boolean; reason?: string }) =>
    request<ImportResult>("POST", `rota/import${query(asked)}`, file),
  year: (year: number) => request<CalendarYear>("GET", `rota/days${query({ year })}`),
  setDays: (days: (DaySaid & { date: string })[], reason: string) =>
    request<{ days: number }>("PATCH", "rota/days", { days, reason }),
  dayHistory: (before?: string | number) =>
    request<Page<DayFact>>("GET", `rota/days/history${query({ limit: DAY_FACTS, before })}`),
  history: (desk: string, before?: string | number) =>
    request<Page<RotaFact>>("GET", `rota/${id(desk)}/history${query({ limit: FACTS, before })}`),
  makeCalendar: () => request<{ path: string }>("POST", "rota/calendar", {}),
  sheets: (desk?: string) => request<Page<Sheet>>("GET", `handovers${query({ desk })}`),
  sheet: (sheet: string) => request<SheetDetail>("GET", `handovers/${id(sheet)}`),
  beginSheet: (desk: string) => request<SheetDetail>("POST", "handovers", { desk }),
  note: (sheet: string, text: string) =>
    request<SheetDetail>("POST", `handovers/${id(sheet)}/notes`, { text }),
  sign: (sheet: string, line: number, remark: string) =>
    request<SheetDetail>("POST", `handovers/${id(sheet)}/lines/${line}/sign`, { remark }),
  signTogether: (sheet: string, lines: number[]) =>
    request<SheetDetail>("POST", `handovers/${id(sheet)}/sign`, { lines }),
  remark: (sheet: string, line: number, remark: string) =>
    request<SheetDetail>("POST", `handovers/${id(sheet)}/lines/${line}/remark`, { remark }),
};
