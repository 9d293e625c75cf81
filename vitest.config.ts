import { defineConfig } from 'vitest/config'

// Tests run the sources through the workspace's export condition, never a build, which may be stale.
const conditions = ['@escudo/source', 'node', 'default']

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
    // On two cores, more test files with sockets and child processes at once only slow each other down.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['packages/escudo/src/**/*.ts'],
      exclude: ['**/test/**'],
      reporter: ['text', 'text-summary'],
      reportsDirectory: 'node_modules/.coverage',
      thresholds: { branches: 95 },
    },
  },
})
