import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestLog, type TestLog } from '../../test/setup.ts'
import { RANGES } from '../ranges.ts'
import { columnsOf, rangeOf, zoomedRangeOf } from '../view.ts'
import { createSystem, every } from './setup.ts'

let log: TestLog
beforeEach(async () => {
  log = await createTestLog('shop.jsonl')
})
afterEach(() => log.remove())

const NOW = Date.now()

function request(ago: number, status: number | undefined, latency?: number): object {
  return {
    timestamp: new Date(NOW - ago * 1_000).toISOString(),
    event: 'http.request',
    service: 'shop',
    status_code: status,
    latency_ms: latency,
  }
}

describe('a range that was chosen in a chart', () => {
  it('has whole columns around it, at most 182, none finer than what was counted', async () => {
    await log.append(request(0, 200, 1))
    fc.assert(
      fc.property(
        fc.integer({ min: -86_400_000 * 8, max: 3_600_000 }),
        fc.integer({ min: 5_000, max: 30 * 86_400_000 }),
        (shift, width) => {
          const [from, to] = [NOW + shift, NOW + shift + width]
          const range = zoomedRangeOf(log.files, { from, to })
          expect(range.from).toBeLessThanOrEqual(from)
          expect(range.to).toBeGreaterThanOrEqual(to)
          expect(range.from % range.stepMs).toBe(0)
          expect((range.to - range.from) / range.stepMs).toBeLessThanOrEqual(182)
          const counted = log.files.journal.named.stepFor(range.from, range.to)
          expect(range.stepMs).toBeGreaterThanOrEqual(counted)
          expect(range.seconds * 1_000).toBe(range.to - range.from)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('counts in columns of a second what is recent', async () => {
    await log.append(request(100, 200, 1), request(99, 200, 1), request(98, 503, 1))
    const range = zoomedRangeOf(log.files, { from: NOW - 110_000, to: NOW - 90_000 })
    expect(range.stepMs).toBe(1_000)
    expect(columnsOf(log.files, range, 0).map(([, good, , server]) => [good, server])).toEqual([
      [1, 0],
      [1, 0],
      [0, 1],
    ])
  })
})

describe('a range that ends now', () => {
  it('counts each request in its own column, although a clock is up to 5 s ahead', async () => {
    for (const aheadMs of [0, 1_000, 3_000, 4_999]) {
      for (const phaseMs of [0, 1_000, 2_500, 4_999]) {
        const system = await createSystem(['shop'])
        system.now += phaseMs
        await system.write('shop', every(1, 901, -aheadMs / 1_000))
        for (const seconds of RANGES.keys()) {
          const range = rangeOf(system.files, seconds, system.now)
          const counts = columnsOf(system.files, range, 0).map(([, good]) => good)
          // The first and the last column may have begun before the log, or not be over.
          const whole = counts.slice(1, -1)
          expect(whole).toEqual(whole.map(() => range.stepMs / 1_000))
          if (seconds <= 900) expect(counts.length).toBeGreaterThanOrEqual(seconds / (range.stepMs / 1_000))
        }
        await system.remove()
      }
    }
  })
})

describe('a column', () => {
  it('has the mean of its latencies and its requests by status', async () => {
    await log.append(request(1, 200, 10), request(1, 200, 20), request(1, 404, 60), request(1, undefined))
    const range = zoomedRangeOf(log.files, { from: NOW - 60_000, to: NOW + 60_000 })
    const [column] = columnsOf(log.files, range, 0)
    expect(column?.[8]).toBe(30)
    expect(column?.[9]).toEqual([200, 2, 404, 1, 0, 1])
  })

  it('counts its rarest statuses together', async () => {
    const statuses = Array.from({ length: 40 }, (_, index) => 400 + index)
    await log.append(request(1, 200), request(1, 200), ...statuses.map((status) => request(1, status)))
    const range = zoomedRangeOf(log.files, { from: NOW - 60_000, to: NOW + 60_000 })
    const codes = columnsOf(log.files, range, 0)[0]?.[9] ?? []
    expect(codes).toHaveLength(2 * 13)
    expect(codes.slice(0, 2)).toEqual([200, 2])
    expect(codes.slice(-2)).toEqual([0, 29])
  })

  it('has no mean without a latency', async () => {
    await log.append(request(1, 200))
    const range = zoomedRangeOf(log.files, { from: NOW - 60_000, to: NOW + 60_000 })
    expect(columnsOf(log.files, range, 0)[0]?.slice(4)).toEqual([null, null, null, 0, null, [200, 1], []])
  })
})
