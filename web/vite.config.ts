// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from "vite";

// One bundle for the shell, one for each view, one for the charts. Nothing is inlined, so that the
// server can forbid inline scripts and styles.
export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    sourcemap: false,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    rollupOptions: {
      output: {
        manualChunks: (id) => (/node_modules\/(echarts|zrender|tslib)\//.test(id) ? "charts" : undefined),
      },
    },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8089" } },
});
