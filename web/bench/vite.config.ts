/** The pages that benchmarks drive: built beside the console, and no part of it. */
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  plugins: [svelte()],
  build: {
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    rolldownOptions: { input: ['index.html', 'glass.html'].map((page) => `${import.meta.dirname}/${page}`) },
  },
})
