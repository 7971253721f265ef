// Put into every page that `page_checks.py` looks at, before the page's own scripts.

// Every word that the hub sends is data, and data may be in any language.
window.heard = new Set();
{
  const keep = (value) => {
    if (typeof value === "string") window.heard.add(value);
    else if (Array.isArray(value)) value.forEach(keep);
    else if (value !== null && typeof value === "object") Object.values(value).forEach(keep);
  };
  const ask = window.fetch;
  window.fetch = async (...asked) => {
    const answer = await ask(...asked);
    if ((answer.headers.get("content-type") ?? "").includes("json")) {
      answer.clone().json().then(keep, () => undefined);
    }
    return answer;
  };
}

const named = (e) => `${e.tagName} ${e.className} "${(e.textContent ?? "").trim().slice(0, 30)}"`;

// What somebody presses: a box also by its label.
const targetOf = (e) => (["checkbox", "radio"].includes(e.type) ? (e.closest("label") ?? e) : e);

window.looks = {
  said() {
    const told = [...document.querySelectorAll("[title],[placeholder],[aria-label],[alt],option")];
    const words = told.map((e) => [e.title, e.placeholder, e.ariaLabel, e.alt, e.text].join(" "));
    return [[document.title, document.body.innerText, ...words].join("\n"), [...window.heard]];
  },

  // Of what a language pack of a screen reader would say wrong: words of Chinese alone.
  unspoken() {
    const found = [];
    for (const e of document.querySelectorAll("body *")) {
      const own = [...e.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE);
      const text = own.map((n) => n.data).join("");
      if (!/[\u3400-\u9fff]/.test(text) || /[A-Za-z]/.test(text)) continue;
      if (e.closest("[lang]").lang !== "zh-CN") found.push(named(e));
    }
    return found;
  },

  tooWide() {
    const wide = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= wide) return [];
    const beyond = [...document.querySelectorAll("main *")].filter(
      (e) => e.getBoundingClientRect().right > wide + 0.5,
    );
    return [beyond.length === 0 ? "?" : named(beyond.at(-1))];
  },

  // Links within a sentence may be as high as its line (WCAG 2.5.8).
  tooSmall(least) {
    const found = [];
    for (const e of document.querySelectorAll("button, select, input, summary, a.button, nav a")) {
      if (e.disabled || !e.checkVisibility({ visibilityProperty: true })) continue;
      if (e.closest(".hidden-text") !== null) continue;
      const box = targetOf(e).getBoundingClientRect();
      if (box.width > 2 && box.height < least - 0.5) found.push(`${named(e)} ${box.height}`);
    }
    return found;
  },

  // Each thing gets the focus as by the Tab key, which scrolls it into view.
  underABar() {
    const found = [];
    const pressed = "main :is(a[href], button, input, select, textarea, summary)";
    for (const e of document.querySelectorAll(pressed)) {
      if (e.disabled || !e.checkVisibility({ visibilityProperty: true })) continue;
      e.focus();
      const box = targetOf(e).getBoundingClientRect();
      const x = box.left + Math.min(box.width / 2, 40);
      const seen = [box.top + 3, box.top + box.height / 2, box.bottom - 3].some((y) => {
        const over = document.elementFromPoint(x, y);
        return y >= 0 && y < innerHeight && !over?.closest(".frame > header, .frame > nav");
      });
      if (box.width > 2 && !seen) found.push(named(e));
    }
    document.activeElement?.blur();
    window.scrollTo(0, 0);
    return found;
  },

  // Of the form that was just refused: what its wrong fields tell to who can't see the red.
  refused(form) {
    const wrong = [...form.querySelectorAll('[aria-invalid="true"]')];
    if (wrong.length === 0) return ["no field says that it is wrong"];
    const found = [];
    for (const e of wrong) {
      const ids = (e.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id !== "");
      const about = ids.map((id) => document.getElementById(id)?.textContent.trim() ?? "").join("");
      if (about === "") found.push(`${e.name} does not say what is wrong`);
    }
    if (document.activeElement !== wrong[0]) found.push(`the focus is not at ${wrong[0].name}`);
    return found;
  },

  // WCAG 1.4.12: whoever sets text wider must not lose any of it.
  spaced(on) {
    document.adoptedStyleSheets = [];
    if (!on) return [];
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
      word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }`);
    document.adoptedStyleSheets = [sheet];
    const hides = (overflow) => overflow === "hidden" || overflow === "clip";
    const cut = [];
    for (const e of document.querySelectorAll("body *")) {
      const own = [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim() !== "");
      if (!own || e.closest(".hidden-text, svg, select") !== null || !e.checkVisibility()) continue;
      for (let box = e; box !== document.body; box = box.parentElement) {
        const style = getComputedStyle(box);
        const wide = hides(style.overflowX) && box.scrollWidth > box.clientWidth + 1;
        const high = hides(style.overflowY) && box.scrollHeight > box.clientHeight + 1;
        if (!wide && !high) continue;
        cut.push(`${named(e)} in ${box.tagName} ${box.className}`);
        break;
      }
    }
    return cut;
  },
};
