import { expect, test } from 'vitest'
import { at, type Measured, median, profileName, type Round, ratios } from '../measure.ts'
import { growth, type MemoryPoint, rssMax } from '../memory.ts'
import { parseCores } from '../pinning.ts'
import { parseUsage } from '../processes.ts'

const round = (cpuUs: number): Round => ({ cpuUs, perSecond: 1e6 / cpuUs, p50Ms: 1, p99Ms: 2, busy: 1 })
const measured = (...cpuUs: readonly number[]): Measured => ({ group: 'g', by: 'b', rounds: cpuUs.map(round) })

test('takes median and quartiles over the rounds of a case', () => {
  const one = measured(50, 10, 40, 20, 30)
  expect(median(one, 'cpuUs')).toBe(30)
  expect([at(one, 'cpuUs', 0.25), at(one, 'cpuUs', 0.75)]).toEqual([20, 40])
  expect(median(one, 'busy')).toBe(1)
})

test('divides figures of the same round, so that a slow round changes nothing', () => {
  expect(ratios(measured(20, 2_000, 40), measured(10, 1_000, 20), 'cpuUs')).toEqual([2, 2, 2])
})

test('names the file of a profile after group and case', () => {
  expect(profileName({ group: 'requests: error thrown, 404', by: 'Fastify + log' })).toBe(
    'requests-error-thrown-404-fastify-log.cpuprofile',
  )
})

test.each([
  ["pid 7's current affinity list: 0,1", [0, 1]],
  ["pid 7's current affinity list: 2-4,8\n", [2, 3, 4, 8]],
  ["pid 7's current affinity list: 5", [5]],
  ['taskset: failed', []],
  ['', []],
])('reads the cores of %j', (text, cores) => {
  expect(parseCores(text)).toEqual(cores)
})

test('reads the processor time and the memory of another program', () => {
  const stat = '42 (a (b) c) S 1 42 42 0 -1 4194560 100 0 0 0 150 25 0 0 20 0 1 0 1000 0 0'
  expect(parseUsage(stat, 'Name:\tx\nVmRSS:\t  2048 kB\n')).toEqual({
    cpuUs: 1_750_000,
    rssBytes: 2_097_152,
    heapBytes: undefined,
  })
  expect(parseUsage('', '')).toEqual({ cpuUs: Number.NaN, rssBytes: Number.NaN, heapBytes: undefined })
})

test('compares the memory at the end with that after half of the requests', () => {
  const points: MemoryPoint[] = Array.from({ length: 11 }, (_, part) => ({
    requests: part,
    rssBytes: 100 + part,
    heapBytes: 0,
  }))
  expect(rssMax(points)).toBe(110)
  expect(growth(points)).toBeCloseTo(110 / 105)
  expect([rssMax([]), growth([]), growth(points.slice(0, 8))]).toEqual([undefined, undefined, undefined])
})
