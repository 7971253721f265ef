// The menu: which of the pages this account sees, and where they stand. Pure.

import type { IconName } from "../parts/Icon.svelte";
import type { Key } from "./i18n.svelte";
import { OFFICE_PAGES, officePages } from "./office_menu";

export interface Entry {
  path: string;
  pages: string[];
  icon: IconName;
  name: Key;
  needs: string | null;
  phoneOnly?: boolean;
  /** On the telephone "me" leads there: five names are what its bar has room for. */
  deskOnly?: boolean;
}

export function entriesOf(role: string | undefined, can: (permission: string) => boolean): Entry[] {
  // Who goes has the visits at hand on the telephone, who watches the homes; who plans nothing the
  // equipment.
  const goes = role === "visitor";
  const planned = can("plan.read");
  // For another office its files are all there is.
  const watches = can("summary.read");
  const [office] = officePages(can);
  const entries: Entry[] = [
    { path: "/", pages: ["board", "alarm", "sheet"], icon: "board", name: "nav.board", needs: "alarm.read" },
    { path: "/tasks", pages: ["tasks", "card"], icon: "tasks", name: "nav.tasks", needs: "task.read" },
    {
      path: "/unseen",
      pages: ["unseen", "unreachable"],
      icon: "unseen",
      name: "nav.unseen",
      needs: "visit.read",
      deskOnly: true,
    },
    { path: "/plan", pages: ["plan"], icon: "plan", name: "nav.plan", needs: "plan.read" },
    {
      path: "/persons",
      pages: ["persons", "person", "person-import", "erasures"],
      icon: "file",
      name: "nav.persons",
      needs: "person.read",
      deskOnly: true,
    },
    {
      path: "/homes",
      pages: ["homes", "home", "map"],
      icon: "homes",
      name: "nav.homes",
      needs: "home.read",
      deskOnly: goes,
    },
    {
      path: "/visits",
      pages: ["visits", "visit", "record"],
      icon: "visits",
      name: "nav.visits",
      needs: "visit.read",
      deskOnly: !goes,
    },
    { path: "/care", pages: ["care"], icon: "care", name: "nav.care", needs: "care.read", deskOnly: true },
    {
      path: "/equipment",
      pages: ["equipment"],
      icon: "equipment",
      name: "nav.equipment",
      needs: "device.read",
      deskOnly: planned,
    },
    {
      path: "/rota",
      pages: ["rota", "handovers", "handover"],
      icon: "rota",
      name: "nav.rota",
      needs: "rota.read",
      deskOnly: planned,
    },
    {
      path: "/reports",
      pages: ["reports"],
      icon: "reports",
      name: "nav.reports",
      needs: "report.read",
      deskOnly: true,
    },
    {
      path: "/assessment",
      pages: ["assessment"],
      icon: "assessment",
      name: "nav.assessment",
      needs: "assessment.read",
      deskOnly: true,
    },
    {
      path: "/response",
      pages: ["response"],
      icon: "figures",
      name: "nav.response",
      needs: "report.read",
      deskOnly: true,
    },
    {
      path: "/undelivered",
      pages: ["undelivered"],
      icon: "undelivered",
      name: "nav.undelivered",
      needs: "notification.read",
      deskOnly: true,
    },
    {
      path: "/rules",
      pages: ["rules", "rule", "tries", "try"],
      icon: "rules",
      name: "nav.rules",
      needs: "rule.read",
      deskOnly: true,
    },
    ...(office === undefined
      ? []
      : [
          {
            path: `/${office.page}`,
            pages: OFFICE_PAGES,
            icon: "office" as const,
            // For another office its files are all there is.
            name: watches ? ("nav.office" as const) : ("nav.files" as const),
            needs: null,
            deskOnly: watches,
          },
        ]),
    {
      path: "/me",
      pages: [
        "me",
        "unseen",
        "unreachable",
        "care",
        "persons",
        "person",
        "person-import",
        "equipment",
        "rota",
        "handovers",
        "handover",
        goes ? "homes" : "visits",
        goes ? "home" : "visit",
        ...(goes ? ["map"] : []),
        "reports",
        "assessment",
        "response",
        "undelivered",
        "rules",
        "rule",
        "tries",
        "try",
        ...(watches ? OFFICE_PAGES : []),
      ],
      icon: "me",
      name: "nav.me",
      needs: null,
      phoneOnly: true,
    },
  ];
  return entries.filter((entry) => entry.needs === null || can(entry.needs));
}
