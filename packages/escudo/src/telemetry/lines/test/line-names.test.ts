import { expect, test } from 'vitest'
import { writeText } from '../field-writer.ts'
import { writeName } from '../line-names.ts'

test.each([null, '', 'GET', '/items/:id', 'a"b', 'token=abc', 'http://u:p@h/', 'x'.repeat(300), '💥'])(
  'a name is written as any text is, the first time and later: %j',
  (name) => {
    for (let times = 0; times < 3; times += 1) expect(writeName(name)).toBe(writeText(name))
  },
)

test('names are written right after more of them than are kept', () => {
  for (let index = 0; index < 5_000; index += 1) expect(writeName(`/items/${index}`)).toBe(`"/items/${index}"`)
  expect(writeName('/items/1')).toBe('"/items/1"')
})
