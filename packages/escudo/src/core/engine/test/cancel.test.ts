import { describe, expect, test } from 'vitest'
import { bulkhead, circuitBreaker, consecutive, definePolicy, hedge, retry, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import type { Call } from '../call.ts'

const deaf = (): Promise<never> => new Promise(() => {})

describe('who gives a call up gets his own reason', () => {
  test.each<[string, (giveUp: () => void) => unknown]>([
    [
      'also when the operation throws in the same breath',
      (giveUp) => {
        giveUp()
        throw new Error('down')
      },
    ],
    [
      'also when it rejects in the same breath',
      async (giveUp) => {
        giveUp()
        throw new Error('down')
      },
    ],
    [
      'also when it returns in the same breath',
      (giveUp) => {
        giveUp()
        return 1
      },
    ],
  ])('%s', async (_how, operation) => {
    const controller = new AbortController()
    const s = shield('s', timeout('30s'), retry(), circuitBreaker(), bulkhead({ limit: 1 }), timeout('10s'))
    const answer = s.run(() => operation(() => controller.abort('mine')), { signal: controller.signal })
    await expect(answer).rejects.toBe('mine')
    expect(s.status().policies[3]).toMatchObject({ inUse: 0 })
  })

  test("and policies of somebody's own see that reason too", async () => {
    const controller = new AbortController()
    const seen: unknown[] = []
    const own = definePolicy({
      name: 'own',
      wrap: (next) => async (call, operation) =>
        await next(call, operation).catch((error) => {
          seen.push(error)
          throw error
        }),
    })
    const answer = shield('s', own).run(
      () => {
        controller.abort('mine')
        throw new Error('down')
      },
      { signal: controller.signal },
    )
    await expect(answer).rejects.toBe('mine')
    expect(seen).toEqual(['mine'])
  })

  test('and a timeout is a timeout, whatever a classifier throws about it', async () => {
    const clock = virtualClock()
    const classify = (): never => {
      throw new Error('a bug')
    }
    const s = shield({ name: 's', clock }, timeout('1s'), retry({ classify }))
    const failed = expect(s.run(deaf)).rejects.toMatchObject({ code: 'TIMEOUT' })
    await clock.advance('1s')
    await failed
    const late = expect(shield({ name: 's', clock }, retry({ classify })).run(deaf, { deadline: 5 })).rejects
    await Promise.all([late.toMatchObject({ code: 'DEADLINE_EXCEEDED' }), clock.advance(5)])
  })
})

describe('permits are back by the time that the code of a user runs', () => {
  test.each<[string, (breaker: ReturnType<typeof circuitBreaker>) => unknown[]]>([
    ['in the scope that is cut', (breaker) => [breaker]],
    ['in one further in', (breaker) => [breaker, timeout('10s')]],
    ['in one of two further in', (breaker) => [timeout('20s'), breaker, timeout('10s')]],
    ['in that of a hedged attempt', (breaker) => [breaker, hedge({ after: '10s' })]],
  ])('%s', async (_where, policiesAround) => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const s = shield({ name: 's', clock }, ...(policiesAround(breaker) as never[]))
    let seen: string | undefined
    const operation = ({ signal }: Call): Promise<never> => {
      signal.addEventListener('abort', () => {
        seen = breaker.state
      })
      return deaf()
    }
    const failed = expect(s.run(operation, { deadline: '1s' } as never)).rejects.toThrow()
    await clock.advance('1s')
    await failed
    expect(seen).toBe('open')
  })
})
