import { expect, test } from 'vitest'
import { closingLine, exitCodeOf, jsonReport, rowLines, totalsOf } from '../report.ts'
import type { RowResult } from '../row.ts'

const row = (over: Partial<RowResult> = {}): RowResult => ({
  ...{ id: '4.2b', name: 'an unknown item', verdict: 'holds', request: 'GET /items/nada' },
  ...{ expected: '404 ITEM_NOT_FOUND', got: '404 ITEM_NOT_FOUND (3 ms)', details: [], ms: 3 },
  ...over,
})

test('prints one line for a row that holds', () => {
  expect(rowLines(row())).toBe(
    'holds   4.2b  an unknown item | GET /items/nada | expected 404 ITEM_NOT_FOUND | got 404 ITEM_NOT_FOUND (3 ms)\n',
  )
})

test('prints each difference below its row', () => {
  const text = rowLines(row({ verdict: 'differs', details: ['status: expected 404, got 500', 'two\nlines'] }))
  expect(text).toMatch(/^DIFFERS 4\.2b .*\n {8}status: expected 404, got 500\n {8}two\n {8}lines\n$/)
})

test('limits the printed differences and counts the rest', () => {
  const details = Array.from({ length: 40 }, (_, index) => `difference ${index}`)
  const lines = rowLines(row({ verdict: 'differs', details }))
    .trimEnd()
    .split('\n')
  expect(lines).toHaveLength(14)
  expect(lines.at(-1)).toContain('and 28 more')
})

test('escapes and truncates hostile text', () => {
  const text = rowLines(row({ got: 'x\nholds   4.9b forged\u001b[1A', request: 'y'.repeat(5_000) }))
  expect(text.split('\n')).toHaveLength(2)
  expect(text).not.toContain('\u001b')
  expect(text.length).toBeLessThan(500)
})

test('counts verdicts; one difference gives exit code 1', () => {
  const results = [row(), row({ verdict: 'pending' }), row({ verdict: 'pending' }), row({ verdict: 'differs' })]
  expect(closingLine(totalsOf(results))).toBe('1 rows hold, 1 differ, 2 pending\n')
  expect(exitCodeOf(results)).toBe(1)
  expect(exitCodeOf(results.slice(0, 3))).toBe(0)
})

test('prints the JSON report on one line', () => {
  const text = jsonReport([row({ got: 'a\nb' })])
  expect(text.trimEnd()).not.toContain('\n')
  expect(JSON.parse(text)).toMatchObject({ holds: 1, differs: 0, pending: 0, rows: [{ id: '4.2b', got: 'a\nb' }] })
})
