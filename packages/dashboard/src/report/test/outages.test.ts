import { afterEach, describe, expect, it } from 'vitest'
import { at, createSystem, every, OPENED, type TestSystem } from './setup.ts'

const CRITICAL = { ago: 0, event: 'job.failed', log_level: 'critical', path: undefined, latency_ms: undefined }
const FALLBACK = { ago: 0, event: 'fallback', path: undefined, latency_ms: undefined }

let system: TestSystem
afterEach(() => system.remove())

/** Writes a line every `step` seconds of the reader's clock. */
async function follow(seconds: number, line: object, step = 1): Promise<void> {
  for (let second = 0; second < seconds; second += step) {
    system.now += step * 1_000
    await system.write('shop', [{ ago: 0, status_code: 200, ...line }])
  }
}

describe('a clock that was set back', () => {
  it.each([30, 600, 86_400])('by %s s does not hide an outage, nor its end', async (seconds) => {
    system = await createSystem(['shop'])
    await follow(130, {})
    system.now -= seconds * 1_000
    await follow(100, { status_code: 503 })
    expect(system.service('shop')).toMatchObject({ state: 'failing', requests: 60, as_of: null })
    await follow(100, {})
    expect(system.service('shop')).toMatchObject({ state: 'healthy', requests: 60, as_of: null })
    const last = new Date(system.now).toISOString()
    system.now += 90_000
    expect(system.service('shop')).toMatchObject({ state: 'silent', since: last })
  })

  it('forgets slow answers from before, and sees new ones', async () => {
    system = await createSystem(['shop'])
    await follow(130, { latency_ms: 9_000 })
    system.now -= 600_000
    await follow(70, {})
    expect(system.service('shop')).toMatchObject({ state: 'healthy', p95_ms: expect.closeTo(5, 0) })
    system.now -= 600_000
    await follow(70, { latency_ms: 9_000 })
    expect(system.service('shop')).toMatchObject({ state: 'degraded', reasons: ['latency'] })
  })

  it('counts health checks and critical lines', async () => {
    system = await createSystem(['shop'])
    for (let second = 0; second < 130; second += 1) {
      system.now += 1_000
      await system.write('shop', [{ ago: 0, status_code: 200, path: '/healthz' }, CRITICAL])
    }
    system.now -= 600_000
    await follow(5, { status_code: 503, path: '/healthz' })
    expect(system.service('shop')).toMatchObject({ state: 'degraded', reasons: ['5xx'] })
    await system.write('shop', [CRITICAL])
    expect(system.service('shop')).toMatchObject({ state: 'degraded', reasons: ['5xx', 'critical'] })
  })

  it('does not keep a breaker open that closes after that, nor since a time to come', async () => {
    system = await createSystem(['shop'])
    const change = { ...OPENED, ago: 0, path: undefined, latency_ms: undefined }
    await system.write('shop', [...every(1, 130, 0), change])
    system.now -= 600_000
    await follow(70, {})
    const now = new Date(system.now).toISOString()
    expect(system.service('shop')).toMatchObject({ state: 'degraded', reasons: ['breaker'], since: now })
    await system.write('shop', [{ ...change, from: 'open', to: 'closed' }])
    expect(system.service('shop')).toMatchObject({ state: 'healthy', open_breakers: [] })
  })

  it('does not keep new lines out of the live tail', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', every(1, 5_000, 0, { path: '/before' }))
    await follow(600, { path: '/before' })
    system.now -= 86_400_000
    await follow(600, { path: '/after' })
    await system.write('shop', every(0.01, 50, 0, { path: '/after' }))
    const texts = system.files.journal.tail.items.map(({ text }) => text)
    expect(texts.filter((text) => text === '/after').length).toBeGreaterThanOrEqual(100)
  })

  it('does not keep new errors out of the list', async () => {
    system = await createSystem(['shop'])
    await follow(300, { status_code: 503, error_code: 'BEFORE' })
    system.now -= 3_600_000
    await follow(300, { status_code: 503, error_code: 'AFTER' })
    const codes = system.files.journal.errors.items.map(({ code }) => code)
    expect(codes.filter((code) => code === 'AFTER').length).toBeGreaterThanOrEqual(100)
  })

  it('is the one of the service alone: its outage is seen once the offset is certain', async () => {
    system = await createSystem(['shop'])
    await follow(130, {})
    await follow(90, { ago: 600, status_code: 503 })
    expect(system.service('shop')).toMatchObject({ state: 'failing', as_of: null, clock_ahead_ms: -600_000 })
    await follow(90, { ago: 600 })
    expect(system.service('shop')).toMatchObject({ state: 'healthy', requests: 60, as_of: null })
  })
})

describe('a service without requests', () => {
  it('has the verdict of its last requests, however many health checks follow', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', every(1, 3, 0, { status_code: 503 }))
    await follow(300, { path: '/healthz' })
    expect(system.service('shop')).toMatchObject({ state: 'failing', failures: 4 })
  })

  it.each([CRITICAL, FALLBACK])('stays silent for hours, whatever else it logs: $event', async (line) => {
    system = await createSystem(['shop'])
    await system.write('shop', every(1, 200, 0))
    await follow(7_200, { ...line, status_code: undefined }, 30)
    system.now += 120_000
    expect(system.service('shop')).toMatchObject({ state: 'silent' })
  })

  it('is degraded while its last request was answered by a fallback', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [{ ago: 100, status_code: 200, degraded: true }])
    expect(system.service('shop')).toMatchObject({
      state: 'degraded',
      reasons: ['fallbacks'],
      as_of: expect.any(String),
    })
    await system.write('shop', [{ ago: 70, status_code: 200 }])
    await system.write('shop', [{ ago: 0, status_code: 200 }])
    expect(system.service('shop')).toMatchObject({ state: 'healthy' })
  })

  it('does not turn from silent into healthy when its last line gets old', async () => {
    system = await createSystem(['shop', 'mail'])
    await system.write('shop', every(1, 1_400, 600))
    for (let minute = 0; minute < 20; minute += 1) {
      await system.write('mail', every(1, 59, 0))
      expect(system.health()).toMatchObject({ state: 'silent', cause: { service: 'shop', reason: 'silence' } })
      system.now += 60_000
    }
  })
})

it('keeps the verdict of requests that were ahead when they were read', async () => {
  system = await createSystem(['shop'])
  await system.write('shop', every(1, -10, -11, { status_code: 503 }))
  expect(system.health()).toMatchObject({ state: 'waiting' })
  system.now += 15_000
  expect(system.service('shop')).toMatchObject({ state: 'failing', as_of: null })
  system.now += 120_000
  expect(system.service('shop')).toMatchObject({ state: 'failing', as_of: at(-11) })
})

describe('4xx answers', () => {
  it.each([
    { usual: 4, now: 10, state: 'degraded' },
    { usual: 4, now: 9, state: 'degraded' },
    { usual: 4, now: 7, state: 'healthy' },
    { usual: 2, now: 7, state: 'degraded' },
    { usual: 2, now: 6, state: 'healthy' },
  ])('of $now in ten are $state if $usual in ten are usual', async ({ usual, now, state }) => {
    system = await createSystem(['shop'])
    const of = (share: number, from: number, to: number) =>
      every(1, from, to).map((line) => ({ ...line, status_code: line.ago % 10 < share ? 404 : 200 }))
    await system.write('shop', [...of(usual, 3_000, 60), ...of(now, 59, 0)])
    expect(system.service('shop')).toMatchObject({ state })
  })
})

it('says that all requests are ahead of the clock, not that they have no time', async () => {
  system = await createSystem(['shop'])
  await system.write('shop', every(1, -72_000, -72_001))
  expect(system.health()).toMatchObject({ state: 'waiting', waiting: { reason: 'ahead' } })
})
