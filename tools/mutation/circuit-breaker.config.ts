// The tests that Stryker runs for each mutant of the circuit breaker. Two tests check that properties reach all of their
// cases; with properties that end after 300 ms they would fail.
import { defineConfig } from 'vitest/config'

const conditions = ['@escudo/source', 'node', 'module', 'default']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['packages/escudo/src/policies/{circuit-breaker,shared}/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    setupFiles: ['tools/mutation/setup.ts'],
    testTimeout: 20_000,
    testNamePattern: /^((?!million|exactly the transitions|reach|100 000|10⁵|10⁶).)*$/u,
  },
})
