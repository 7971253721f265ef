// On an English page names, addresses and notes are in Chinese. Said so, a screen reader speaks them
// as Chinese, and a browser takes a Chinese font (WCAG 3.1.2). What is a sentence of both languages
// stays in that of the page.

const HAN = /[\u3400-\u9fff]/;
const LATIN = /[A-Za-z]/;
const MARKED = "data-part";

function mark(element: Element): void {
  if (element.hasAttribute("lang") && !element.hasAttribute(MARKED)) return;
  let text = "";
  for (const node of element.childNodes) if (node instanceof Text) text += node.data;
  if (HAN.test(text) && !LATIN.test(text)) {
    element.setAttribute("lang", "zh-CN");
    element.setAttribute(MARKED, "");
  } else if (element.hasAttribute(MARKED)) {
    element.removeAttribute("lang");
    element.removeAttribute(MARKED);
  }
}

function markAll(root: Element): void {
  mark(root);
  for (const element of root.querySelectorAll("*")) mark(element);
}

function changed(changes: MutationRecord[]): void {
  for (const { target, addedNodes } of changes) {
    const place = target instanceof Element ? target : target.parentElement;
    if (place !== null) mark(place);
    for (const node of addedNodes) if (node instanceof Element) markAll(node);
  }
}

let observer: MutationObserver | null = null;

/** From now on; on a page in Chinese again the marks say what is so anyway. */
export function markChineseParts(): void {
  if (observer !== null) return;
  markAll(document.body);
  observer = new MutationObserver(changed);
  observer.observe(document.body, { subtree: true, childList: true, characterData: true });
}
