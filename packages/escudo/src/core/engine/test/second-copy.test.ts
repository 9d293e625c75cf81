import { describe, expect, test, vi } from 'vitest'
import * as first from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

// Two installed copies of the library: every module, class and symbol exists twice.
vi.resetModules()
const second = await import('../../../index.ts')

type Library = typeof first
const boom = new Error('down')

const policies: [string, (library: Library) => first.AnyPolicy][] = [
  ['retry', ({ retry, constant }) => retry({ maxRetries: 1, backoff: constant(0) })],
  ['timeout', ({ timeout }) => timeout('1s')],
  ['bulkhead', ({ bulkhead }) => bulkhead({ limit: 1 })],
  ['circuitBreaker', ({ circuitBreaker }) => circuitBreaker()],
  ['rateLimiter', ({ rateLimiter }) => rateLimiter({ limit: 10, per: '1s' })],
  ['adaptiveLimiter', ({ adaptiveLimiter }) => adaptiveLimiter()],
  ['adaptiveThrottle', ({ adaptiveThrottle }) => adaptiveThrottle()],
  ['hedge', ({ hedge }) => hedge({ after: '1s' })],
  ['fallback', ({ fallback }) => fallback('substitute', { when: () => false })],
  ['cache', ({ cache }) => cache({ ttl: '1s' })],
  ['coalesce', ({ coalesce }) => coalesce()],
]

test('the second copy is another one', () => {
  expect(second.ConfigurationError).not.toBe(first.ConfigurationError)
})

describe.each(policies)('%s of a second copy', (_type, make) => {
  const build = (clock: first.Clock): first.Shield =>
    first.shield(
      { name: 's', clock, random: () => 0.99 },
      ...([make(second as unknown as Library), make(first)] as never[]),
    ) as never

  test.each<[string, object | undefined]>([
    ['without options', undefined],
    ['with a signal', { signal: new AbortController().signal }],
    ['with a deadline', { deadline: '10s' }],
  ])('runs a call %s', async (_what, options) => {
    const clock = virtualClock()
    const call = build(clock).run(async ({ signal }) => signal.aborted, { key: 'k', ...options })
    await clock.advance(0)
    expect(await call).toBe(false)
  })

  test('passes the error of the operation on, and the cancellation of its caller in', async () => {
    const clock = virtualClock()
    const s = build(clock)
    const failed = s.run(() => Promise.reject(boom), { key: 'k' }).catch((error: unknown) => error)
    await clock.advance('2s')
    expect(await failed).toBe(boom)
    const controller = new AbortController()
    let signal: AbortSignal | undefined
    const call = s.run(
      (inner) =>
        new Promise((_resolve, reject) => {
          signal = inner.signal
          inner.signal.addEventListener('abort', () => reject(inner.signal.reason))
        }),
      { key: 'k', signal: controller.signal },
    )
    controller.abort('gone')
    await expect(call).rejects.toBe('gone')
    await clock.advance(0)
    expect(signal?.aborted).toBe(true)
  })
})
