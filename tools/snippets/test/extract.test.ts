import { expect, test } from 'vitest'
import { snippetsOf } from '../extract.ts'

const document = (...lines: string[]): ReturnType<typeof snippetsOf> =>
  snippetsOf({ path: 'docs/a.md', text: lines.join('\n') })
const source = (...lines: string[]): ReturnType<typeof snippetsOf> =>
  snippetsOf({ path: 'packages/escudo/src/a.ts', text: lines.join('\n') })

test('returns a block of a document with its first line number', () => {
  expect(document('# A', '', '```ts', 'const a = 1', 'a', '```', 'text')).toEqual([
    { path: 'docs/a.md', line: 4, code: 'const a = 1\na\n' },
  ])
})

test('skips other languages, also a ts block nested in a longer fence', () => {
  const found = document(
    '```sh',
    'ls',
    '```',
    '```ts',
    'a',
    '```',
    '````md',
    '```ts',
    'b',
    '```',
    '````',
    '```ts',
    'c',
    '```',
  )
  expect(found.map(({ code }) => code)).toEqual(['a\n', 'c\n'])
})

test('removes the indentation of a list from its block', () => {
  expect(document('- one', '  ```ts', '  if (a) {', '    b()', '  }', '  ```')[0]?.code).toBe('if (a) {\n  b()\n}\n')
})

test('removes the stars from a block of a doc comment', () => {
  expect(source('/**', ' * A.', ' * @example', ' * ```ts', ' * const a = 1', ' *', ' *   a', ' * ```', ' */')).toEqual([
    { path: 'packages/escudo/src/a.ts', line: 5, code: 'const a = 1\n\n  a\n' },
  ])
})

test('ignores a block in a string of a source', () => {
  expect(source('const text = `', '```ts', 'a', '```', '`')).toEqual([])
})

test('ends an unclosed block with its document or its comment', () => {
  expect(document('```ts', 'a').map(({ code }) => code)).toEqual(['a\n'])
  expect(source('/**', ' * ```ts', ' * a', ' */', 'b')).toMatchObject([{ code: 'a\n' }])
})
