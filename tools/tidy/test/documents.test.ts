import { expect, test } from 'vitest'
import { deadReferences } from '../documents.ts'
import { printed } from '../finding.ts'

const known = {
  paths: new Set(['tools/run.mjs', 'packages/escudo/src/core/call.ts']),
  scripts: ['check', 'start'],
}

function problemsIn(path: string, text: string): string[] {
  return printed(deadReferences([{ path, text }], known))
}

test('reports a missing npm script', () => {
  expect(problemsIn('README.md', '`npm run check` and `npm run chaos -- --port 1`')).toEqual([
    "README.md:1: there is no script 'chaos'",
  ])
})

test.each(['ARCHITECTURE.md', 'CONTRIBUTING.md'])('reports a missing source in %s', (path) => {
  expect(problemsIn(path, '\n`core/call.ts`, `tools/run.mjs`, `core/gone.ts`')).toEqual([
    `${path}:2: there is no source 'core/gone.ts'`,
  ])
})

test('other documents may name sources that do not exist', () => {
  expect(problemsIn('docs/quick-start.md', '`src/yours.ts`')).toEqual([])
})
