import { describe, expect, test } from 'vitest'
import { bulkhead, definePolicy, explain, shield, timeout } from '../../../index.ts'
import { blockedClock, setUp } from './setup.ts'

describe('a bulkhead and the deadline of a call', () => {
  test('cancels a waiting call at its deadline and removes it from the queue', async () => {
    const { clock, call, status, started, end } = setUp({ limit: 1, queue: 1, maxWait: '1h' })
    void call('a')
    const waiter = call('b', { deadline: '1s' })
    await clock.advance(999)
    expect(status()).toEqual({ inUse: 1, queued: 1 })
    await clock.advance(1)
    expect([await waiter, status(), clock.pending]).toEqual(['DEADLINE_EXCEEDED', { inUse: 1, queued: 0 }, 0])
    await end('a')
    expect([started, status()]).toEqual([['a'], { inUse: 0, queued: 0 }])
  })

  test('rejects a call after its deadline without queueing it, and displaces no other call', async () => {
    const clock = blockedClock()
    const blocks = definePolicy({
      name: 'blocks',
      wrap: (next) => (call, operation) => {
        clock.block(call.priority * 1_000)
        return next(call, operation)
      },
    })
    const late = shield({ name: 'late', clock }, timeout('1s'), blocks, bulkhead({ limit: 1, queue: 1 }))
    let free: (value: string) => void = () => {}
    const first = late.run(() => new Promise<string>((resolve) => (free = resolve)))
    const rejected = late.run(() => 'never', { priority: 1 }).catch((error) => error)
    expect(late.status().policies[2]).toMatchObject({ inUse: 1, queued: 0 })
    const error = await rejected
    expect(error).toMatchObject({ code: 'TIMEOUT', policy: 'timeout' })
    expect(explain(error)?.policies).toMatchObject([{ state: 'timed out' }, {}, {}])
    free('done')
    expect(await first).toBe('done')
  })

  test('does not start a call served after its deadline, and passes the permit on', async () => {
    const clock = blockedClock()
    const s = shield({ name: 's', clock }, bulkhead({ limit: 1, queue: 3 }))
    const started: string[] = []
    let free: () => void = () => {}
    const first = s.run(() => new Promise<void>((resolve) => (free = resolve)))
    const late = [1, 2].map((n) => s.run(() => started.push(`late ${n}`), { deadline: '1s' }).catch((error) => error))
    const last = s.run(() => started.push('in time'), { deadline: 1_001 })
    // No timer fires while the event loop is blocked, so the late calls still wait when the permit comes.
    clock.block(1_000)
    free()
    await Promise.all([first, last])
    for (const error of await Promise.all(late)) {
      expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    }
    expect(started).toEqual(['in time'])
    expect(s.status().policies[0]).toMatchObject({ inUse: 0, queued: 0 })
    expect(clock.pending).toBe(0)
  })

  test('accepts a maxWait that is longer than the deadline', async () => {
    const { clock, call, end, status } = setUp({ limit: 1, queue: 2, maxWait: '2s' })
    void call('a')
    const [short, long] = [call('b', { deadline: '1s' }), call('c', { deadline: '3s' })]
    await clock.advance('2s')
    expect([await short, await long]).toEqual(['DEADLINE_EXCEEDED', 'BULKHEAD_FULL'])
    await end('a')
    expect([status(), clock.pending]).toEqual([{ inUse: 0, queued: 0 }, 0])
  })
})
