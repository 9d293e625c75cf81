import { expect, test } from 'vitest'
import { printed } from '../finding.ts'
import { tooLarge, tooLong } from '../sizes.ts'

const lines = (count: number): string => 'a\n'.repeat(count)

test('limits a source to 300 lines', () => {
  expect(tooLong([{ path: 'tools/a.ts', text: lines(300) }])).toEqual([])
  expect(printed(tooLong([{ path: 'tools/a.ts', text: lines(301) }]))).toEqual([
    'tools/a.ts: 301 lines; the limit is 300. Split it: one subject a file',
  ])
  expect(tooLong([{ path: 'packages/dashboard/src/page/live.js', text: lines(301) }])).toHaveLength(1)
  expect(tooLong([{ path: 'docs/a.md', text: lines(1_000) }])).toEqual([])
})

test('limits a test to 400 lines', () => {
  for (const path of ['tools/a.test.ts', 'packages/escudo/src/core/test/setup.ts']) {
    expect(tooLong([{ path, text: lines(400) }])).toEqual([])
    expect(tooLong([{ path, text: lines(401) }])).toHaveLength(1)
  }
})

test('limits a file to one megabyte', () => {
  expect(tooLarge([{ path: 'a.png', bytes: 1_048_576 }])).toEqual([])
  expect(tooLarge([{ path: 'a.png', bytes: 1_048_577 }])).toHaveLength(1)
})
