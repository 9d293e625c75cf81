import { describe, expect, test, vi } from 'vitest'
import { constant, type RetryOptions, retry, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

const classify: RetryOptions<unknown>['classify'] = (outcome) =>
  outcome.ok && outcome.value === 'good' ? 'success' : 'failure'

describe('onRejectedValue', () => {
  test('is called with each value that a later attempt replaces, and not with the one that is returned', async () => {
    const onRejectedValue = vi.fn()
    const s = shield('s', retry({ maxRetries: 2, backoff: constant(1), classify, onRejectedValue }))
    let calls = 0
    const count = (): string => {
      calls += 1
      return `bad ${calls}`
    }
    expect(await s.run(count)).toBe('bad 3')
    expect(onRejectedValue.mock.calls).toEqual([['bad 1'], ['bad 2']])
  })

  test('is not called for an error, or for a value that is accepted', async () => {
    const onRejectedValue = vi.fn()
    const s = shield('s', retry({ backoff: constant(1), classify, onRejectedValue }))
    const outcomes = [() => Promise.reject(new Error('down')), () => 'good']
    expect(await s.run(() => outcomes.shift()?.())).toBe('good')
    expect(onRejectedValue).not.toHaveBeenCalled()
  })

  test('is called if the caller aborts during the delay', async () => {
    const clock = virtualClock()
    const onRejectedValue = vi.fn()
    const s = shield({ name: 's', clock }, retry({ backoff: constant('1s'), classify, onRejectedValue }))
    const aborts = new AbortController()
    const call = s.run(() => 'bad', { signal: aborts.signal }).catch((reason) => reason)
    aborts.abort('stop')
    await clock.advance('2s')
    expect(await call).toBe('stop')
    expect(onRejectedValue.mock.calls).toEqual([['bad']])
  })

  test('may throw or reject: this is reported, and the call goes on', async () => {
    const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    for (const onRejectedValue of [() => JSON.parse(''), async () => JSON.parse('')]) {
      const s = shield('s', retry({ backoff: constant(1), classify, onRejectedValue }))
      const values = ['bad', 'good']
      expect(await s.run(() => values.shift())).toBe('good')
    }
    expect(emitWarning).toHaveBeenCalledTimes(2)
    emitWarning.mockRestore()
  })

  test('the event retry has the rejected value', async () => {
    const s = shield('s', retry({ backoff: constant(1), classify }))
    const events = vi.fn()
    s.on('retry', events)
    const values = ['bad', 'good']
    await s.run(() => values.shift())
    expect(events.mock.calls).toEqual([
      [{ shield: 's', policy: 'retry', attempt: 1, delayMs: 1, error: undefined, value: 'bad' }],
    ])
  })
})

test('a backoff receives the outcome of the attempt', async () => {
  const delayMs = vi.fn(() => 0)
  const s = shield('s', retry({ backoff: { delayMs }, classify }))
  const down = new Error('down')
  const outcomes = [() => Promise.reject(down), () => 'bad', () => 'good']
  await s.run(() => outcomes.shift()?.())
  // The first call of a backoff is the check of the shield.
  expect(
    (delayMs.mock.calls as unknown[][]).slice(1).map(([retried, , previous, outcome]) => [retried, previous, outcome]),
  ).toEqual([
    [0, undefined, { ok: false, error: down }],
    [1, 0, { ok: true, value: 'bad' }],
  ])
})
