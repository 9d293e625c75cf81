import { defineConfig } from 'vitest/config'

// Tests run the sources: the export condition of the workspace, never a build that may be old.
const conditions = ['@escudo/source', 'node', 'module', 'default']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    globalSetup: ['test/page/helpers/chromium.ts'],
    include: [
      'packages/**/*.test.ts',
      'examples/**/*.test.ts',
      'test/**/*.test.ts',
      'tools/**/*.test.ts',
      'bench/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**'],
    // Two cores: sockets and child processes of several files at once would only disturb each other.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
})
