import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: '../src/marsad/console/built',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    // The inline helper that older browsers need would be refused by the page's own content security policy.
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { console: 'index.html', patrol: 'patrol.html' } },
  },
  server: { proxy: { '/api': { target: 'http://127.0.0.1:8700', ws: true } } },
  test: { include: ['src/**/*.test.ts'], css: true },
})
