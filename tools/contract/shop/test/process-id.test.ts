import { expect, test } from 'vitest'
import { printedPid } from '../own-shop.ts'
import { pidIn } from '../target.ts'

test('uses the last process id that the start script has printed', () => {
  const output = [
    '  potion-shop        http://localhost:8000  (process 101)',
    '  inventory-service  http://localhost:9002  (process 102)',
    'inventory-service died (signal SIGKILL); starting it again in 500 ms',
    '[inventory-service] some line about process 666',
    'inventory-service started again, process 203',
  ].join('\n')
  expect(printedPid(output, 'shop')).toBe(101)
  expect(printedPid(output, 'inventory')).toBe(203)
  expect(printedPid(output, 'flaky')).toBeUndefined()
})

test('accepts only the id of another single process', () => {
  expect(pidIn({ pid: 4242 })).toBe(4242)
  for (const pid of [0, 1, -5, 1.5, '4242', Number.NaN, process.pid, undefined]) expect(pidIn({ pid })).toBeUndefined()
  expect([pidIn(null), pidIn('x'), pidIn([])]).toEqual([undefined, undefined, undefined])
})
