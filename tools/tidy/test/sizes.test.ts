import { expect, test } from 'vitest'
import { printed } from '../finding.ts'
import { tooLarge, tooLong } from '../sizes.ts'

const lines = (count: number): string => 'a\n'.repeat(count)

test('limits a source to 400 lines', () => {
  expect(tooLong([{ path: 'tools/a.ts', text: lines(400) }])).toEqual([])
  expect(printed(tooLong([{ path: 'tools/a.ts', text: lines(401) }]))).toEqual([
    'tools/a.ts: 401 lines; the limit is 400. Split it: one subject a file',
  ])
  expect(tooLong([{ path: 'packages/dashboard/src/page/live.js', text: lines(401) }])).toHaveLength(1)
  expect(tooLong([{ path: 'docs/a.md', text: lines(1_000) }])).toEqual([])
})

test('limits a policy or a state machine to 300 lines, its tests to 400', () => {
  for (const folder of ['policies', 'mechanisms']) {
    expect(tooLong([{ path: `packages/escudo/src/${folder}/a.ts`, text: lines(300) }])).toEqual([])
    expect(tooLong([{ path: `packages/escudo/src/${folder}/a.ts`, text: lines(301) }])).toHaveLength(1)
    expect(tooLong([{ path: `packages/escudo/src/${folder}/a.test.ts`, text: lines(400) }])).toEqual([])
  }
})

test('limits a file to one megabyte', () => {
  expect(tooLarge([{ path: 'a.png', bytes: 1_048_576 }])).toEqual([])
  expect(tooLarge([{ path: 'a.png', bytes: 1_048_577 }])).toHaveLength(1)
})
