// Which pages of the office an account is offered: one menu entry leads to the first of them.

import type { Key } from "./i18n.svelte";

export interface OfficePage {
  page: "regions" | "departments" | "users" | "audit" | "openings";
  name: Key;
}

interface Offered extends OfficePage {
  /** One of these is enough. */
  any: string[];
}

const PAGES: Offered[] = [
  { page: "regions", name: "regions.title", any: ["home.write", "user.read"] },
  { page: "departments", name: "departments.title", any: ["export.order", "export.fetch", "data.export"] },
  { page: "users", name: "users.title", any: ["user.read"] },
  { page: "audit", name: "audit.title", any: ["audit.read"] },
  { page: "openings", name: "openings.title", any: ["record.review"] },
];

export function officePages(can: (permission: string) => boolean): OfficePage[] {
  return PAGES.filter((one) => one.any.some(can)).map(({ page, name }) => ({ page, name }));
}

export const OFFICE_PAGES: string[] = PAGES.map((one) => one.page);
