import { Duplex, PassThrough, Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import {
  type AnyPolicy,
  bulkhead,
  cache,
  circuitBreaker,
  coalesce,
  constant,
  definePolicy,
  hedge,
  retry,
  type Shield,
  shield,
  timeout,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { discard } from '../discard.ts'

/** A Response whose body never ends, and whether that body was cancelled. */
function openResponse(status = 200): { response: Response; cancelled: ReturnType<typeof vi.fn> } {
  const cancelled = vi.fn()
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(10)),
    cancel: cancelled,
  })
  return { response: new Response(body, { status }), cancelled }
}

const customPolicy = (): AnyPolicy =>
  definePolicy({ name: 'custom', wrap: (next) => async (call, operation) => await next(call, operation) })

const shielded = (clock: ReturnType<typeof virtualClock>, ...policies: AnyPolicy[]): Shield =>
  shield({ name: 's', clock }, ...(policies as never[])) as unknown as Shield

const byStatus = (outcome: { ok: boolean; value?: unknown }): 'success' | 'failure' =>
  outcome.ok && (outcome.value as Response).status < 500 ? 'success' : 'failure'

test('discard() cancels the body behind a reader, also one that a read is waiting for', () => {
  const { response, cancelled } = openResponse()
  const reader = response.body?.getReader()
  const waiting = reader?.read()
  discard(reader)
  expect(cancelled).toHaveBeenCalledOnce()
  return waiting
})

describe('a retry that classifies responses', () => {
  /** Runs an operation that returns the given responses, one per attempt. */
  function attempts(statuses: readonly number[], policies: (classify: typeof byStatus) => AnyPolicy[]) {
    const clock = virtualClock()
    const opened: ReturnType<typeof openResponse>[] = []
    const controller = new AbortController()
    const answer = shielded(clock, ...policies(byStatus)).run(
      async () => {
        const one = openResponse(statuses[opened.length])
        opened.push(one)
        return one.response
      },
      { signal: controller.signal },
    )
    const cancelled = (): boolean[] => opened.map(({ cancelled: cancel }) => cancel.mock.calls.length > 0)
    return { clock, answer, cancelled, controller }
  }
  const retries =
    (...around: AnyPolicy[]) =>
    (classify: typeof byStatus): AnyPolicy[] => [...around, retry({ maxRetries: 2, classify, backoff: constant(10) })]

  test('cancels the bodies of those that another attempt replaces, and no other', async () => {
    for (const policies of [retries(), (c: typeof byStatus) => [customPolicy(), ...retries()(c), customPolicy()]]) {
      const { clock, answer, cancelled } = attempts([503, 500, 200], policies)
      await clock.advance(1)
      expect(cancelled()).toEqual([false])
      await clock.advance(100)
      expect(((await answer) as Response).status).toBe(200)
      expect(cancelled()).toEqual([true, true, false])
    }
  })

  test('returns the last one with its body if no attempt succeeds', async () => {
    const { clock, answer, cancelled } = attempts([503, 503, 503], retries())
    await clock.advance(100)
    const response = (await answer) as Response
    expect([response.status, response.bodyUsed, cancelled()]).toEqual([503, false, [true, true, false]])
  })

  test('cancels the body of a rejected one if the call ends during the delay', async () => {
    const { clock, answer, cancelled, controller } = attempts([503], retries())
    const settled = expect(answer).rejects.toBe('gone')
    await clock.advance(1)
    controller.abort('gone')
    await settled
    expect(cancelled()).toEqual([true])
  })

  test.each<[string, AnyPolicy]>([
    ['a retry', retry({ classify: () => expect.fail('a bug') })],
    ['a breaker', circuitBreaker({ classify: () => expect.fail('a bug') })],
  ])('cancels the body of one whose classifier throws in %s', async (_what, policy) => {
    const { answer, cancelled } = attempts([200], () => [policy])
    await expect(answer).rejects.toThrow('a bug')
    expect(cancelled()).toEqual([true])
  })

  test('cancels no body that has a reader or was read', async () => {
    const clock = virtualClock()
    const locked = openResponse(503)
    const reader = locked.response.body?.getReader()
    const read = new Response('text', { status: 503 })
    await read.text()
    const values = [locked.response, read, new Response(null, { status: 503 }), openResponse().response]
    const s = shielded(clock, retry({ maxRetries: 3, classify: byStatus, backoff: constant(0) }))
    const answer = s.run(async () => values.shift())
    await clock.advance(1)
    expect(((await answer) as Response).status).toBe(200)
    expect(locked.cancelled).not.toHaveBeenCalled()
    expect((await reader?.read())?.done).toBe(false)
  })
})

describe('a response that arrives after its call has ended', () => {
  const ends: [string, AnyPolicy[], object][] = [
    ['a timeout', [timeout(100)], {}],
    ['a timeout around a bulkhead', [timeout(100), bulkhead({ limit: 1 })], {}],
    ['a timeout around custom policies', [timeout(100), customPolicy(), customPolicy()], {}],
    ['a timeout around a retry', [timeout(100), retry()], {}],
    ['a timeout around a hedge', [timeout(100), hedge({ after: 1_000 })], {}],
    ['a deadline', [], { deadline: 100 }],
    ['an abort', [], {}],
  ]

  test.each(ends)('is cancelled: after %s', async (_what, policies, options) => {
    const clock = virtualClock()
    const { response, cancelled } = openResponse()
    const controller = new AbortController()
    const operation = (): Promise<Response> => new Promise((resolve) => clock.setTimer(() => resolve(response), 200))
    const answer = shielded(clock, ...policies).run(operation, { signal: controller.signal, ...options })
    const settled = expect(answer).rejects.toBeDefined()
    await clock.advance(150)
    controller.abort()
    await settled
    expect(cancelled).not.toHaveBeenCalled()
    await clock.advance(100)
    expect(cancelled).toHaveBeenCalledOnce()
  })

  test('is cancelled if the operation aborts its own call', async () => {
    for (const policies of [[], [customPolicy()]]) {
      const controller = new AbortController()
      const { response, cancelled } = openResponse()
      const operation = (): Promise<Response> => {
        controller.abort('mine')
        return Promise.resolve(response)
      }
      await expect(shielded(virtualClock(), ...policies).run(operation, { signal: controller.signal })).rejects.toBe(
        'mine',
      )
      await setImmediate()
      expect(cancelled).toHaveBeenCalledOnce()
    }
  })

  test('is cancelled if it is the slower attempt of a hedge, and the winner is not', async () => {
    const clock = virtualClock()
    const [slow, fast] = [openResponse(), openResponse()]
    const answer = shielded(clock, hedge({ after: 10 })).run(
      ({ attempt }) =>
        new Promise<Response>((resolve) => {
          const { response } = attempt === 1 ? slow : fast
          clock.setTimer(() => resolve(response), attempt === 1 ? 100 : 20)
        }),
    )
    await clock.advance(200)
    expect(await answer).toBe(fast.response)
    expect([slow.cancelled, fast.cancelled].map(({ mock }) => mock.calls.length)).toEqual([1, 0])
  })

  test('is the winner of a hedge whose attempts share one response: its body stays open', async () => {
    const clock = virtualClock()
    const { response, cancelled } = openResponse()
    const answer = shielded(clock, hedge({ after: 10 })).run(
      ({ attempt }) =>
        new Promise<Response>((resolve) => clock.setTimer(() => resolve(response), attempt === 1 ? 100 : 20)),
    )
    await clock.advance(200)
    expect(await answer).toBe(response)
    expect(cancelled).not.toHaveBeenCalled()
  })
})

test.each<[string, AnyPolicy]>([
  ['a cache', cache({ ttl: '1s' })],
  ['a coalesce', coalesce()],
])('a response that %s refuses is cancelled', async (_what, policy) => {
  const { response, cancelled } = openResponse()
  await expect(shielded(virtualClock(), policy).run(async () => response, { key: 'k' })).rejects.toThrow('only once')
  expect(cancelled).toHaveBeenCalledOnce()
})

describe('discard', () => {
  test('cancels a web stream, destroys a readable Node stream, and returns an async iterator', async () => {
    const cancelled = vi.fn()
    discard(new ReadableStream({ cancel: cancelled }))
    expect(cancelled).toHaveBeenCalledOnce()
    const readable = Readable.from(['x'])
    discard(readable)
    const body = new Readable({ read: () => {}, destroy: (_error, done) => done(new Error('destroyed early')) })
    discard({ statusCode: 503, body })
    await setImmediate()
    expect([readable.destroyed, body.destroyed]).toEqual([true, true])
    const returned = vi.fn(() => Promise.reject(new Error('late')))
    discard({ [Symbol.asyncIterator]: () => undefined, next: () => undefined, return: returned })
    await setImmediate()
    expect(returned).toHaveBeenCalledOnce()
  })

  test('leaves what other calls may share, and never throws', () => {
    const cancel = vi.fn()
    const destroy = vi.fn()
    const throwing = new Proxy({}, { get: () => expect.fail('read') })
    const duplex = new Duplex({ read: () => {}, write: () => {} })
    for (const value of [
      ...[undefined, null, 1, 'text', [], {}, throwing],
      ...[{ cancel }, { destroy }, { cancel, destroy, release: cancel }, duplex, new PassThrough()],
      ...[
        { body: { cancel, locked: true } },
        { body: { cancel }, bodyUsed: true },
        { body: 'text' },
        { body: throwing },
      ],
      { [Symbol.dispose]: destroy, [Symbol.asyncDispose]: destroy },
    ]) {
      expect(() => discard(value)).not.toThrow()
    }
    expect([cancel.mock.calls, destroy.mock.calls, duplex.destroyed]).toEqual([[], [], false])
  })

  test('handles a body whose `cancel` throws or rejects', async () => {
    discard({ body: { cancel: () => expect.fail('thrown') } })
    discard({ body: { cancel: () => Promise.reject(new Error('late')) } })
    await setImmediate()
  })
})
