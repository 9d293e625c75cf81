import { expect, test } from 'vitest'
import { writeText } from '../field-writer.ts'
import { writeName } from '../line-names.ts'

test.each([null, '', 'GET', '/items/:id', 'a"b', 'token=abc', 'http://u:p@h/', 'x'.repeat(300), '💥'])(
  'writeName writes %j as writeText does, each time',
  (name) => {
    for (let times = 0; times < 3; times += 1) expect(writeName(name)).toBe(writeText(name))
  },
)
