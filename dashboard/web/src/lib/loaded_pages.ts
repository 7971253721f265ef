// Pages that are loaded when one of them is opened, with their words: the board must be there at once.

import { type Part, language } from "./i18n.svelte";

function withWords<Pages>(pages: () => Promise<Pages>, part: Part): () => Promise<Pages> {
  let loading: Promise<Pages> | null = null;
  return () => {
    loading ??= Promise.all([pages(), language.need(part)]).then(
      ([loaded]) => loaded,
      (error: unknown) => {
        loading = null;
        throw error;
      },
    );
    return loading;
  };
}

export const securityPages = withWords(() => import("../pages/security_pages"), "security");
export const rulePages = withWords(() => import("../pages/rule_pages"), "rules");
export const officePages = withWords(() => import("../pages/office_pages"), "office");
export const reportPages = withWords(() => import("../pages/report_pages"), "office");

export const ROTA_PAGES: readonly string[] = ["rota", "handovers", "handover"];
export const REGISTER_PAGES: readonly string[] = ["persons", "person-import", "erasures"];
export const VISIT_PAGES: readonly string[] = ["visits", "visit", "record"];
export const CARE_PAGES: readonly string[] = ["unseen", "unreachable", "care"];
export const REPORT_PAGES: readonly string[] = ["reports", "assessment"];
export const RULE_PAGES: readonly string[] = ["rules", "rule", "tries", "try"];
