import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import base from '../../../vitest.config.ts'
import { ROW_NUMBER } from './row-number.ts'
import RowReporter from './row-reporter.ts'

// `npm run contract`: the tests of the rows of the contract, against a running shop (see setup.ts).

export default defineConfig({
  ...base,
  root: fileURLToPath(new URL('../../..', import.meta.url)),
  test: {
    ...base.test,
    include: ['test/shop/**/*.test.ts'],
    globalSetup: ['test/shop/contract/setup.ts'],
    testNamePattern: ROW_NUMBER,
    // All files share one shop, and so its breakers, faults and stock.
    maxWorkers: 1,
    fileParallelism: false,
    silent: 'passed-only',
    reporters: ['default', new RowReporter()],
  },
})
