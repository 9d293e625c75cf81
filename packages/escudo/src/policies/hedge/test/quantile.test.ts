import { describe, expect, test } from 'vitest'
import type { Call } from '../../../core/engine/call.ts'
import { seededRandom } from '../../../core/random.ts'
import { defineErrors } from '../../../errors/index.ts'
import { hedge, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { RELATIVE_ERROR } from '../state/latency-quantile.ts'

const GENERATIONS = 10

interface Sample {
  readonly latencyMs: number
  readonly at: number
}

/** The exact quantile of the samples in the window. Sorts them each time. */
function exactMs(samples: readonly Sample[], quantile: number, windowMs: number, now: number): number | undefined {
  const generation = (at: number): number => Math.floor(at / (windowMs / GENERATIONS))
  const inside = samples.filter(({ at }) => generation(at) > generation(now) - GENERATIONS)
  const sorted = inside.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b)
  return sorted[Math.ceil(quantile * sorted.length - 1e-9) - 1]
}

/** The sum of twelve draws is close to normal; its exponential has a long tail, as latencies do. */
function lognormal(random: () => number, medianMs: number, sigma: number): number {
  let sum = -6
  for (let draw = 0; draw < 12; draw += 1) sum += random()
  return medianMs * Math.exp(sigma * sum)
}

async function traffic(quantile: number, calls: number, latencyMs: (random: () => number, call: number) => number) {
  const windowMs = 10_000
  const clock = virtualClock()
  const random = seededRandom(42)
  const s = shield({ name: 's', clock }, hedge({ after: { quantile, initial: '1h', window: windowMs } }))
  const samples: Sample[] = []
  const delays: { readonly usedMs: number; readonly exactMs: number | undefined }[] = []
  let startedAt = 0
  let call = 0
  // One call at a time: when a call is hedged, the samples are the same as when it started.
  s.on('hedge', ({ delayMs }) => {
    delays.push({ usedMs: delayMs, exactMs: exactMs(samples, quantile, windowMs, startedAt) })
  })
  const operation = ({ signal }: Call): Promise<number> =>
    new Promise((resolve, reject) => {
      const cancel = clock.setTimer(() => resolve(1), latencyMs(random, call))
      signal.addEventListener('abort', () => {
        cancel()
        reject(signal.reason)
      })
    })
  for (call = 0; call < calls; call += 1) {
    startedAt = clock.now()
    let done = false
    const answer = s.run(operation).then(() => {
      done = true
      samples.push({ latencyMs: clock.now() - startedAt, at: clock.now() })
    })
    while (!done) await clock.advance(1)
    await answer
    // Samples outside the window are not needed any more.
    if (samples.length > 4_000) samples.splice(0, 2_000)
  }
  return { delays, hedges: delays.length, status: s.status().policies[0] as unknown as { wins: number } }
}

describe('the delay at a live quantile', () => {
  test.each([0.5, 0.9, 0.95])(
    'q = %d: is within 1 % of the exact quantile, and hedges a share of 1 − q of the calls',
    async (quantile) => {
      const calls = 12_000
      const { delays, hedges, status } = await traffic(quantile, calls, (random) => lognormal(random, 5, 0.6))
      for (const { usedMs, exactMs: exact } of delays) {
        expect(Math.abs(usedMs - (exact as number)) / (exact as number)).toBeLessThanOrEqual(RELATIVE_ERROR + 1e-9)
      }
      expect(hedges / calls).toBeGreaterThan((1 - quantile) * 0.85)
      expect(hedges / calls).toBeLessThan((1 - quantile) * 1.15)
      expect(status.wins).toBeGreaterThan(0)
    },
    120_000,
  )

  test('follows a dependency that becomes ten times slower and recovers', async () => {
    const phase = (call: number): number => (call < 2_000 ? 1 : call < 4_000 ? 10 : 1)
    const { delays } = await traffic(0.9, 6_000, (random, call) => lognormal(random, 3, 0.5) * phase(call))
    for (const { usedMs, exactMs: exact } of delays) {
      expect(Math.abs(usedMs - (exact as number)) / (exact as number)).toBeLessThanOrEqual(RELATIVE_ERROR + 1e-9)
    }
    const used = delays.map(({ usedMs }) => usedMs)
    expect(Math.max(...used)).toBeGreaterThan(40)
    expect(used.at(-1)).toBeLessThan(10)
  }, 120_000)
})

/** Makes calls with these latencies, one after the other. Returns the status's `delayMs` after each. */
async function statusAfter(latencies: readonly (number | Error)[], quantile: number): Promise<readonly number[]> {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, hedge({ after: { quantile, initial: 500 } }))
  const seen: number[] = []
  for (const latency of latencies) {
    const call = s
      .run(() =>
        typeof latency === 'number'
          ? new Promise((resolve) => clock.setTimer(() => resolve(1), latency))
          : Promise.reject(latency),
      )
      .catch(() => {})
    await clock.advance(typeof latency === 'number' ? latency : 1)
    await call
    seen.push((s.status().policies[0] as unknown as { delayMs: number }).delayMs)
  }
  return seen
}

describe('until there are enough samples', () => {
  test.each([
    [0.5, 20],
    [0.9, 20],
    [0.95, 40],
    [0.99, 200],
  ])('the quantile %d uses the initial delay until %d calls have succeeded', async (quantile, enough) => {
    const seen = await statusAfter(Array(enough).fill(10), quantile)
    expect(seen.slice(0, -1).every((delayMs) => delayMs === 500)).toBe(true)
    expect(Math.abs((seen.at(-1) as number) - 10)).toBeLessThan(0.1)
  })

  test.each<[string, Error]>([
    ['failures', new Error('down')],
    ['business errors', new (defineErrors({ GONE: { status: 410, message: 'x' } }).GONE)()],
  ])('%s are not samples: only the latency of successes counts', async (_what, error) => {
    const seen = await statusAfter(Array(100).fill(error), 0.5)
    expect(new Set(seen)).toEqual(new Set([500]))
  })

  test('the initial delay is used again after a pause longer than the window', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, hedge({ after: { quantile: 0.5, initial: 500, window: '5s' } }))
    for (let call = 1; call <= 20; call += 1) await s.run(() => 1)
    expect(s.status().policies[0]).toMatchObject({ delayMs: 0.1 })
    await clock.advance('5s')
    expect(s.status().policies[0]).toMatchObject({ delayMs: 500 })
  })
})

test('a call that a hedge won counts with its whole duration: hedges do not lower the quantile', async () => {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, hedge({ after: { quantile: 0.5, initial: 100 } }))
  const operation = ({ attempt }: Call): Promise<number> =>
    new Promise((resolve) => clock.setTimer(() => resolve(attempt), attempt === 1 ? 400 : 5))
  for (let call = 1; call <= 20; call += 1) {
    const answer = s.run(operation)
    await clock.advance(105)
    expect(await answer).toBe(2)
  }
  const { delayMs } = s.status().policies[0] as unknown as { delayMs: number }
  expect(Math.abs(delayMs - 105) / 105).toBeLessThanOrEqual(RELATIVE_ERROR)
})
