import { expect, test } from 'vitest'
import { debianPackage } from '../../../test/helpers/debian.ts'
import { bench } from '../../test/setup.ts'

// One round: this checks the form of the report and the memory of a key, never a time.
test('prints a row for each limit, and the share of calls that reach Redis', { timeout: 60_000 }, async (context) => {
  if ((await debianPackage('redis-server', 'redis-server')) === undefined) return context.skip()
  const { code, out, err } = await bench('fleet', '--rounds', '1', '--seconds', '1', '--keys', '5000')
  expect([code, err]).toEqual([0, ''])
  const rows = out.split('\n').filter((line) => line.startsWith('| '))
  expect(rows.length - 2).toBe(9)
  const exact =
    /^\| bulkhead, exact +\| \d+\.\d\d × EVALSHA of the bulkhead's script, \d+\.\d\d × EVALSHA of the limiter's/
  expect(rows.some((row) => exact.test(row))).toBe(true)
  expect(out).toMatch(/\d+\.\d\d % of the calls reach Redis/)
  const [, more] = /A key takes (-?\d+) bytes more than a local one of \d+/.exec(out) ?? []
  expect(Number(more)).toBeLessThanOrEqual(200)
})
