import { mount } from "svelte";

import App from "./App.svelte";
import "./app.css";
import { language } from "./lib/i18n.svelte";
import { router } from "./lib/router.svelte";
import { session } from "./lib/session.svelte";
import { textSize } from "./lib/text_size.svelte";

const target = document.getElementById("app");
if (target === null) throw new Error("index.html has no #app");

// The English catalogue is a file of its own; without it the page starts in Chinese.
await language.start().catch(() => undefined);
textSize.start();
// A screen on a wall is nobody's session.
if (router.place.page !== "screen") void session.resume();
mount(App, { target });
