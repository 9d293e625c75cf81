// The tests that Stryker runs for each mutant: those of the engine and of the policies that are mutated. Tests that make a
// million calls would decide the duration of the run, and kill no mutant that the others leave.
import { defineConfig } from 'vitest/config'

const conditions = ['@escudo/source', 'node', 'module', 'default']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['packages/escudo/src/{core,policies/{retry,timeout,fallback}}/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    testTimeout: 20_000,
    testNamePattern: /^((?!million|100 000|10⁵|10⁶).)*$/u,
  },
})
