import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// One page: no inline script or style (strict CSP), nothing from another host. The hub's own
// build step moves `dist` to dashboard/static when it is complete.
export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
