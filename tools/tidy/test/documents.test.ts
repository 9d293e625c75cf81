import { expect, test } from 'vitest'
import { deadReferences } from '../documents.ts'
import { printed } from '../finding.ts'

const known = {
  paths: new Set(['README.md', 'docs/a.md', 'docs/b.md', 'tools/run.mjs', 'packages/escudo/src/core/call.ts']),
  scripts: ['check', 'start'],
}

function problemsIn(path: string, text: string): string[] {
  const other = { path: 'docs/b.md', text: '# B\n\n## The bulkhead: inside, or outside?\n\n### ¿Qué hay?\n' }
  return printed(deadReferences([{ path, text }, other], known))
}

test('reports a link to a missing file', () => {
  expect(problemsIn('docs/a.md', 'one\n[b](b.md) [c](c.md)')).toEqual(["docs/a.md:2: there is no file 'docs/c.md'"])
  expect(
    problemsIn('docs/a.md', '[up](../README.md) [far](https://example.com/x.md) [mail](mailto:a@example.com)'),
  ).toEqual([])
})

test('reports a link to a missing heading', () => {
  expect(problemsIn('docs/a.md', '[b](b.md#the-bulkhead-inside-or-outside) [q](b.md#qué-hay)')).toEqual([])
  expect(problemsIn('docs/a.md', '[b](b.md#gone)')).toEqual(["docs/a.md:1: there is no heading '#gone'"])
  expect(problemsIn('docs/a.md', '# Here\n[b](#here) [b](#there)')).toEqual([
    "docs/a.md:2: there is no heading '#there'",
  ])
})

test('reports a missing npm script', () => {
  expect(problemsIn('README.md', '`npm run check` and `npm run chaos -- --port 1`')).toEqual([
    "README.md:1: there is no script 'chaos'",
  ])
})

test('reports a missing source only in ARCHITECTURE.md', () => {
  expect(problemsIn('ARCHITECTURE.md', '`core/call.ts`, `tools/run.mjs`, `core/gone.ts`')).toEqual([
    "ARCHITECTURE.md:1: there is no source 'core/gone.ts'",
  ])
  expect(problemsIn('CONTRIBUTING.md', '`policies/yours.ts`')).toEqual([])
})
