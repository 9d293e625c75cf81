import { describe, expect, test, vi } from 'vitest'
import { attemptsOf, hedge, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { settled, setUp } from './setup.ts'

const classify = (outcome: { ok: boolean; value?: unknown }): 'failure' | 'success' =>
  !outcome.ok || outcome.value === 'bad' ? 'failure' : 'success'

describe('hedge with classify', () => {
  test('a rejected value starts the next hedge at once', async () => {
    const { clock, s, operation, started } = setUp({ after: 100, classify }, [
      { ms: 5, value: 'bad' },
      { ms: 5, value: 'good' },
    ])
    expect(await settled(clock, s.run(operation))).toEqual({ value: 'good', at: 10 })
    expect(started.map(({ at }) => at)).toEqual([0, 5])
    expect(s.status().policies[0]).toMatchObject({ hedges: 1, wins: 1 })
  })

  test('if all attempts fail, the call gets the last outcome: a value or an error', async () => {
    const values = setUp({ after: 100, classify }, [
      { ms: 5, error: new Error('down') },
      { ms: 5, value: 'bad' },
    ])
    expect(await settled(values.clock, values.s.run(values.operation))).toEqual({ value: 'bad', at: 10 })
    const error = new Error('down')
    const errors = setUp({ after: 100, classify }, [
      { ms: 5, value: 'bad' },
      { ms: 5, error },
    ])
    expect(await settled(errors.clock, errors.s.run(errors.operation))).toEqual({ error, at: 10 })
    expect(attemptsOf(error).map(({ outcome }) => outcome)).toEqual(['failure', 'failure'])
  })

  test('releases rejected values that the caller does not get', async () => {
    const cancelled: number[] = []
    const s = shield('s', hedge({ after: 1_000, maxHedges: 2, classify: () => 'failure' }))
    let attempts = 0
    const last = await s.run(() => {
      attempts += 1
      const number = attempts
      return new Response(new ReadableStream({ cancel: () => void cancelled.push(number) }))
    })
    expect(cancelled).toEqual([1, 2])
    expect(last.bodyUsed).toBe(false)
  })

  test('releases a rejected value if a later attempt wins, or the call is cancelled', async () => {
    const clock = virtualClock()
    const cancel = vi.fn()
    const s = shield(
      { name: 's', clock },
      hedge({ after: '1s', classify: ({ ok }: { ok: boolean; value?: unknown }) => (ok ? 'failure' : 'success') }),
    )
    let calls = 0
    const operation = (): unknown => {
      calls += 1
      return calls % 2 === 1 ? new Response(new ReadableStream({ cancel })) : new Promise(() => {})
    }
    const aborts = new AbortController()
    const call = s.run(operation, { signal: aborts.signal }).catch((reason) => reason)
    await clock.advance(10)
    expect(cancel).not.toHaveBeenCalled()
    aborts.abort('stop')
    expect(await call).toBe('stop')
    expect(cancel).toHaveBeenCalledTimes(1)
  })

  test('a classifier that throws ends the call, and the other attempts', async () => {
    const bug = new Error('bug')
    const { clock, s, operation, aborted } = setUp(
      {
        after: 10,
        classify: () => {
          throw bug
        },
      },
      [
        { ms: 500, value: 1 },
        { ms: 5, value: 2 },
      ],
    )
    expect(await settled(clock, s.run(operation))).toEqual({ error: bug, at: 15 })
    expect(aborted).toHaveLength(1)
  })

  test('emits hedgeWon with the attempt and the time of the whole call', async () => {
    const { clock, s, operation } = setUp({ after: 100 }, [
      { ms: 500, value: 1 },
      { ms: 20, value: 2 },
    ])
    const won = vi.fn()
    s.on('hedgeWon', won)
    await settled(clock, s.run(operation))
    expect(won.mock.calls).toEqual([[{ shield: 's', policy: 'hedge', attempt: 2, durationMs: 120 }]])
  })
})
