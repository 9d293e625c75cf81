import { expect, test } from 'vitest'
import { forbiddenWords } from '../words.ts'

// Assembled at run time, because the rule also reads this file.
const slash = '/'
test.each([
  `see ${slash}work/main/a.ts`,
  `cd ${slash}root/project`,
  `in '${slash}home/ana/project'`,
  `in ${slash}Users/ana/project`,
  `cat ${slash}tmp/brief/a.md`,
  `https:${slash}${slash}registry.${'npmjs'}.org/pino`,
  `//npm.${'pkg'}.github.com`,
])('reports a path or host of one machine: %s', (text) => {
  expect(forbiddenWords([{ path: 'a.md', text: `one\n${text}\n` }])).toMatchObject([{ file: 'a.md', line: 2 }])
})

test.each([
  'a file in .github/work/flow',
  'https://example.com/work/list',
  'a registry of listeners',
  '/tmp/a',
  'GET /users/ana',
])('accepts a harmless text: %s', (text) => {
  expect(forbiddenWords([{ path: 'a.md', text }])).toEqual([])
})
