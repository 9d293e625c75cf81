import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

// `npm run test:backends`: the tests with programs that Go builds, those that take long included, and their figures.

export default defineConfig({
  ...base,
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    ...base.test,
    include: ['test/backends/**/*.{test,figures}.ts'],
    globalSetup: [],
    // One at a time: they measure.
    maxWorkers: 1,
    fileParallelism: false,
    // Progress and figures appear as they are printed.
    disableConsoleIntercept: true,
    reporters: ['default'],
  },
})
