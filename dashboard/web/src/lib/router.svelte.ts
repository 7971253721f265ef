// Places in the page: paths of the History API, so that a link to an alarm can be sent.

export interface Place {
  page:
    | "board"
    | "alarm"
    | "sheet"
    | "tasks"
    | "card"
    | "homes"
    | "home"
    | "persons"
    | "person"
    | "person-import"
    | "erasures"
    | "equipment"
    | "rules"
    | "rule"
    | "tries"
    | "try"
    | "plan"
    | "unseen"
    | "unreachable"
    | "care"
    | "regions"
    | "departments"
    | "users"
    | "audit"
    | "openings"
    | "response"
    | "reports"
    | "assessment"
    | "undelivered"
    | "rota"
    | "handovers"
    | "handover"
    | "wall"
    | "map"
    | "map-wall"
    | "visits"
    | "visit"
    | "record"
    | "me"
    | "security"
    | "reply"
    | "family"
    | "enrol"
    | "screen"
    | "missing";
  id: string;
}

export function placeOf(path: string): Place {
  const [first = "", second = "", ...more] = path.split("/").filter((part) => part !== "");
  const id = decoded(second);
  if (first === "alarms" && id !== "" && more.join("/") === "sheet") return { page: "sheet", id };
  if (more.length > 0) return { page: "missing", id: "" };
  if (first === "" && second === "") return { page: "board", id: "" };
  if (first === "alarms" && id !== "") return { page: "alarm", id };
  // The link of a notification: it answers without a login.
  if (first === "r" && id !== "") return { page: "reply", id };
  if (first === "f" && id !== "") return { page: "family", id };
  if (first === "homes") return id === "" ? { page: "homes", id } : { page: "home", id };
  if (first === "persons") return id === "" ? { page: "persons", id } : { page: "person", id };
  if (first === "rules") return id === "" ? { page: "rules", id } : { page: "rule", id };
  if (first === "tries") return id === "" ? { page: "tries", id } : { page: "try", id };
  if (first === "handovers") return id === "" ? { page: "handovers", id } : { page: "handover", id };
  if (first === "visits") return id === "" ? { page: "visits", id } : { page: "visit", id };
  // A draft on this telephone.
  if (first === "record" && id !== "") return { page: "record", id };
  if (first === "map" && id === "wall") return { page: "map-wall", id: "" };
  if (first === "tasks" && id !== "") return { page: "card", id };
  const alone = [
    "tasks",
    "equipment",
    "plan",
    "unseen",
    "unreachable",
    "care",
    "regions",
    "departments",
    "users",
    "audit",
    "openings",
    "response",
    "reports",
    "assessment",
    "undelivered",
    "rota",
    "wall",
    "map",
    "me",
    "security",
    "person-import",
    "erasures",
    "enrol",
    "screen",
  ] as const;
  const known = alone.find((page) => page === first);
  if (id === "" && known !== undefined) {
    return { page: known, id: "" };
  }
  return { page: "missing", id: "" };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

class Router {
  place = $state<Place>(placeOf(location.pathname));
  #scroll = new Map<string, number>();
  /** The link by which a page was left, so that who comes back is there again. */
  #left = new Map<string, string>();

  constructor() {
    window.addEventListener("popstate", () => this.#arrive(false));
    history.scrollRestoration = "manual";
  }

  /** What stands behind the question mark: how a page begins, not where it is. */
  asked(name: string): string {
    return new URLSearchParams(location.search).get(name) ?? "";
  }

  go(path: string): void {
    if (path === location.pathname + location.search) return;
    this.#scroll.set(location.pathname, window.scrollY);
    this.#left.set(location.pathname, document.activeElement?.getAttribute("href") ?? "");
    history.pushState({ inside: true }, "", path);
    this.#arrive(true);
  }

  /** Back to where one came from; to `otherwise` when the page was opened here. */
  back(otherwise: string): void {
    const state = history.state as { inside?: boolean } | null;
    if (state?.inside) history.back();
    else this.go(otherwise);
  }

  #arrive(top: boolean): void {
    const before = this.place;
    this.place = placeOf(location.pathname);
    const y = top ? 0 : (this.#scroll.get(location.pathname) ?? 0);
    const other = before.page !== this.place.page || before.id !== this.place.id;
    const left = top ? "" : (this.#left.get(location.pathname) ?? "");
    requestAnimationFrame(() => {
      window.scrollTo(0, y);
      if (other) focusMain(left);
    });
  }
}

export const router = new Router();

/** To where the page begins, or to its link with this address: who hears the page or has no mouse
 * would else be left at a link that is gone. */
export function focusMain(href = ""): void {
  const main = document.getElementById("main");
  const link = href === "" ? null : main?.querySelector<HTMLElement>(`a[href="${CSS.escape(href)}"]`);
  (link ?? main)?.focus({ preventScroll: true });
}

/** For links: follow inside the page, leave new tabs and the like to the browser. */
export function follow(event: MouseEvent): void {
  // A link in a drawing has no path of its own, only its attribute.
  const link = new URL((event.currentTarget as Element).getAttribute("href") ?? "/", location.href);
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  router.go(link.pathname + link.search);
}
