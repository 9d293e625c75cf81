import { describe, expect, test } from 'vitest'
import { bulkhead, circuitBreaker, consecutive, definePolicy, hedge, retry, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import type { Call } from '../call.ts'

const never = (): Promise<never> => new Promise(() => {})

describe('a cancelled call rejects with the reason of its cancellation', () => {
  test.each<[string, (abort: () => void) => unknown]>([
    [
      'throws',
      (abort) => {
        abort()
        throw new Error('down')
      },
    ],
    [
      'rejects',
      async (abort) => {
        abort()
        throw new Error('down')
      },
    ],
    [
      'returns',
      (abort) => {
        abort()
        return 1
      },
    ],
  ])('even if the operation %s immediately after the abort', async (_how, operation) => {
    const controller = new AbortController()
    const s = shield('s', timeout('30s'), retry(), circuitBreaker(), bulkhead({ limit: 1 }), timeout('10s'))
    const answer = s.run(() => operation(() => controller.abort('mine')), { signal: controller.signal })
    await expect(answer).rejects.toBe('mine')
    expect(s.status().policies[3]).toMatchObject({ inUse: 0 })
  })

  test('in custom policies too', async () => {
    const controller = new AbortController()
    const seen: unknown[] = []
    const custom = definePolicy({
      name: 'custom',
      wrap: (next) => async (call, operation) =>
        await next(call, operation).catch((error) => {
          seen.push(error)
          throw error
        }),
    })
    const answer = shield('s', custom).run(
      () => {
        controller.abort('mine')
        throw new Error('down')
      },
      { signal: controller.signal },
    )
    await expect(answer).rejects.toBe('mine')
    expect(seen).toEqual(['mine'])
  })

  test('even if a classifier throws after a timeout or a deadline', async () => {
    const clock = virtualClock()
    const classify = (): never => {
      throw new Error('a bug')
    }
    const s = shield({ name: 's', clock }, timeout('1s'), retry({ classify }))
    const failed = expect(s.run(never)).rejects.toMatchObject({ code: 'TIMEOUT' })
    await clock.advance('1s')
    await failed
    const late = expect(shield({ name: 's', clock }, retry({ classify })).run(never, { deadline: 5 })).rejects
    await Promise.all([late.toMatchObject({ code: 'DEADLINE_EXCEEDED' }), clock.advance(5)])
  })
})

describe('permits are released before user code runs', () => {
  test.each<[string, (breaker: ReturnType<typeof circuitBreaker>) => unknown[]]>([
    ['the cancelled scope', (breaker) => [breaker]],
    ['the scope of an inner timeout', (breaker) => [breaker, timeout('10s')]],
    ['the scope of the innermost of two timeouts', (breaker) => [timeout('20s'), breaker, timeout('10s')]],
    ['the scope of a hedged attempt', (breaker) => [breaker, hedge({ after: '10s' })]],
  ])('in %s', async (_where, policiesAround) => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const s = shield({ name: 's', clock }, ...(policiesAround(breaker) as never[]))
    let seen: string | undefined
    const operation = ({ signal }: Call): Promise<never> => {
      signal.addEventListener('abort', () => {
        seen = breaker.state
      })
      return never()
    }
    const failed = expect(s.run(operation, { deadline: '1s' } as never)).rejects.toThrow()
    await clock.advance('1s')
    await failed
    expect(seen).toBe('open')
  })
})
