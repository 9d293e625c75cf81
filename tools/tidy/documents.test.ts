import { expect, test } from 'vitest'
import { deadReferences } from './documents.ts'
import { printed } from './finding.ts'

const known = {
  paths: new Set(['README.md', 'docs/a.md', 'docs/b.md', 'tools/run.mjs', 'packages/escudo/src/core/engine/call.ts']),
  scripts: ['check', 'start'],
}

function said(path: string, text: string): string[] {
  const other = { path: 'docs/b.md', text: '# B\n\n## The bulkhead: inside, or outside?\n\n### ¿Qué hay?\n' }
  return printed(deadReferences([{ path, text }, other], known))
}

test('a link to a file that is not there', () => {
  expect(said('docs/a.md', 'one\n[b](b.md) [c](c.md)')).toEqual(["docs/a.md:2: no file 'docs/c.md'"])
  expect(said('docs/a.md', '[up](../README.md) [far](https://example.com/x.md) [mail](mailto:a@example.com)')).toEqual(
    [],
  )
})

test('a link to a heading that is not there', () => {
  expect(said('docs/a.md', '[b](b.md#the-bulkhead-inside-or-outside) [q](b.md#qué-hay)')).toEqual([])
  expect(said('docs/a.md', '[b](b.md#gone)')).toEqual(["docs/a.md:1: no heading '#gone'"])
  expect(said('docs/a.md', '# Here\n[b](#here) [b](#there)')).toEqual(["docs/a.md:2: no heading '#there'"])
})

test('a script that is not there', () => {
  expect(said('README.md', '`npm run check` and `npm run chaos -- --port 1`')).toEqual([
    "README.md:1: no script 'chaos'",
  ])
})

test('a source that the map names and that is not there', () => {
  expect(said('ARCHITECTURE.md', '`core/call.ts`, `tools/run.mjs`, `core/gone.ts`')).toEqual([
    "ARCHITECTURE.md:1: no source 'core/gone.ts'",
  ])
  expect(said('CONTRIBUTING.md', '`policies/yours.ts`')).toEqual([])
})
