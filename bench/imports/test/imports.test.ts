import { expect, test } from 'vitest'
import { bench } from '../../test/setup.ts'
import { CASES } from '../measure.ts'
import { importTable } from '../table.ts'

// One round: this checks the form of the report, never a time.
test('prints a row for every import, with the goals', { timeout: 90_000 }, async () => {
  const { code, out, err } = await bench('imports', '--rounds', '1')
  expect([code, err]).toEqual([0, ''])
  const rows = out.split('\n').filter((line) => line.startsWith('| '))
  expect(rows.slice(2).map((row) => row.slice(2).split(' | ')[0]?.trimEnd())).toEqual(CASES.map(({ name }) => name))
  expect(out.match(/≤ (15|30): (met|missed)/g)).toHaveLength(2)
})

test('rejects a wrong number of rounds', async () => {
  const { code, err } = await bench('imports', '--rounds', '0')
  expect(code).toBe(1)
  expect(err).toContain("--rounds takes a whole number from 1 to 1000, got '0'")
})

test('compares the median with the goal', () => {
  const row = (wallMs: readonly number[]) =>
    importTable([{ name: 'a', imports: [], overName: 'b', goalMs: 15, wallMs, cpuMs: [1] }])
  expect(row([14, 15, 90])).toContain('≤ 15: met')
  expect(row([1, 15.1, 16])).toContain('≤ 15: missed')
  expect(row([14, 15, 90])).toContain('15.0 (14.0–90.0)')
})
