import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  plugins: [svelte()],
  resolve: { alias: [{ find: /^\.\.\/i18n$/, replacement: `${import.meta.dirname}/words.ts` }] },
  build: { target: 'es2022', rolldownOptions: { input: 'glass.html' } },
})
