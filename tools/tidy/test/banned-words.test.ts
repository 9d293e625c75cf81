import { expect, test } from 'vitest'
import { bannedWords } from '../banned-words.ts'

const found = (text: string, path = 'docs/a.md'): string[] =>
  bannedWords([{ path, text: `one line\n${text}\n` }]).map(({ file, line, problem }) => `${file}:${line}: ${problem}`)

test.each([
  'Whoever listens is told',
  'a value that nobody reads',
  'Those who wait go first',
  'the caller who waits',
  'gives him the reason',
  'a policy of your own',
  'what stands inside',
  'a file that stands beside it, standing in for another',
  'mend it',
  'it waits for ever',
  'a deaf operation',
  'asks the breaker for leave',
  'operations at work',
  'timeouts and the like',
  'inside of a timeout',
  'so many calls at the same time',
])('reports "%s"', (text) => {
  expect(found(text)).not.toEqual([])
})

test.each([
  'Users who read this page',
  'its own queue',
  'standard time',
  'recommended, and amended',
  'forever',
  'leave the queue',
  'it works at once',
  'likes',
  'inside a timeout, outside the shield',
  'the theme',
])('accepts "%s"', (text) => {
  expect(found(text)).toEqual([])
})

test('names the file, the line and what to write', () => {
  expect(found('a deaf operation')).toEqual(['docs/a.md:2: \'deaf\': write "ignores its signal"'])
})

test('exempts the list itself and the Spanish README', () => {
  expect(found('nobody', 'tools/tidy/banned-words.ts')).toEqual([])
  expect(found('nobody', 'README.es.md')).toEqual([])
})
