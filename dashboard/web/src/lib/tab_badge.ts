// How many urgent alarms nobody has taken, where it is seen while the page is not: on the icon of
// its tab, and on the application's own where a browser has that.

const SIZE = 64;
const PLAIN = "/icon.svg";
const MOST = 99;
const FILL = "#b3201a";

let shown: number | null = null;

export function showBadge(count: number): void {
  // Beyond what it can show every number is the same picture.
  const seen = Math.min(count, MOST + 1);
  if (seen === shown) return;
  shown = seen;
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  if (link !== null) {
    const picture = count > 0 ? drawn(count) : null;
    link.type = picture === null ? "image/svg+xml" : "image/png";
    link.href = picture ?? PLAIN;
  }
  const app = navigator as { setAppBadge?: (count: number) => Promise<void> };
  // A browser that has it may refuse it; the tab's icon has been told.
  app.setAppBadge?.(count).catch(() => undefined);
}

function drawn(count: number): string | null {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const pen = canvas.getContext("2d");
  if (pen === null) return null;
  pen.fillStyle = FILL;
  pen.beginPath();
  pen.arc(SIZE / 2, SIZE / 2, SIZE / 2, 0, 2 * Math.PI);
  pen.fill();
  const text = count > MOST ? `${MOST}+` : String(count);
  pen.fillStyle = "#fff";
  pen.font = `bold ${[44, 36, 26][text.length - 1] ?? 26}px sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(text, SIZE / 2, SIZE / 2 + 3);
  return canvas.toDataURL("image/png");
}
