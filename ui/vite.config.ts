/// <reference types="vitest/config" />
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig, type Plugin } from 'vite'
import { generate } from './codegen.js'
import { compressed } from './compress.js'

// A server to develop against: EPARCH_URL=http://127.0.0.1:4200 npm run dev
const server = process.env.EPARCH_URL ?? 'http://127.0.0.1:4200'

/** Makes the types of the GraphQL documents before anything is compiled, and again when one changes. */
function documents(): Plugin {
  return {
    name: 'eparch-documents',
    buildStart: () => generate(),
    handleHotUpdate({ file }) {
      if (file.endsWith('.graphql')) generate()
    },
  }
}

export default defineConfig({
  plugins: [documents(), vue(), compressed()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    outDir: '../src/eparch/server/static',
    emptyOutDir: true,
    target: 'es2022',
    // Inlined files would need `data:` in the Content Security Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      '/graphql': { target: server, ws: true },
      '/health': { target: server },
    },
  },
  test: { include: ['src/**/*.test.ts', '*.test.ts'] },
})
