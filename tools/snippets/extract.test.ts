import { expect, test } from 'vitest'
import { snippetsOf } from './extract.ts'

const document = (...lines: string[]): ReturnType<typeof snippetsOf> =>
  snippetsOf({ path: 'docs/a.md', text: lines.join('\n') })
const source = (...lines: string[]): ReturnType<typeof snippetsOf> =>
  snippetsOf({ path: 'packages/escudo/src/a.ts', text: lines.join('\n') })

test('a block of a document, with the line where it begins', () => {
  expect(document('# A', '', '```ts', 'const a = 1', 'a', '```', 'text')).toEqual([
    { path: 'docs/a.md', line: 4, code: 'const a = 1\na\n' },
  ])
})

test('several blocks, and none of another language, also when one shows how to write a block', () => {
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

test('a block within a list loses the indentation of the list', () => {
  expect(document('- one', '  ```ts', '  if (a) {', '    b()', '  }', '  ```')[0]?.code).toBe('if (a) {\n  b()\n}\n')
})

test('a block of a doc comment, without its stars', () => {
  expect(source('/**', ' * A.', ' * @example', ' * ```ts', ' * const a = 1', ' *', ' *   a', ' * ```', ' */')).toEqual([
    { path: 'packages/escudo/src/a.ts', line: 5, code: 'const a = 1\n\n  a\n' },
  ])
})

test('a block in a string of a source is none', () => {
  expect(source('const text = `', '```ts', 'a', '```', '`')).toEqual([])
})

test('a block that nobody closes is one all the same', () => {
  expect(document('```ts', 'a').map(({ code }) => code)).toEqual(['a\n'])
  expect(source('/**', ' * ```ts', ' * a', ' */', 'b')).toMatchObject([{ code: 'a\n' }])
})
