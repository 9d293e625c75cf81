import { connect } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { FRAMEWORKS } from './frameworks.ts'
import { type Answer, Errors, post, type Service } from './setup.ts'

const services: Service[] = []
afterEach(async () => {
  await Promise.all(services.splice(0).map(({ close }) => close()))
})

/** A handler that answers when the test lets it. */
function held() {
  const ends: ((answer: Answer | Error) => void)[] = []
  const handle = vi.fn(
    () =>
      new Promise<Answer>((resolve, reject) => {
        ends.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)))
      }),
  )
  return { handle, ends }
}

describe.each(FRAMEWORKS)('idempotency keys on $name', ({ start }) => {
  async function serve(...args: Parameters<typeof start>): Promise<Service> {
    const service = await start(...args)
    services.push(service)
    return service
  }
  /** Counts its calls in the body of the answer. */
  function counting(answer: Partial<Answer> = {}) {
    let count = 0
    return vi.fn(async (): Promise<Answer> => {
      count += 1
      const headers = { 'content-type': 'text/plain', 'x-order': String(count) }
      return { status: 201, body: `order ${count}`, headers, ...answer }
    })
  }

  test('the first request runs, and later ones get its answer', async () => {
    const handle = counting()
    const service = await serve(handle)
    const first = await post(service, { key: 'a' })
    expect([first.status, first.text, first.isReplayed]).toEqual([201, 'order 1', false])
    const second = await post(service, { key: 'a' })
    expect([second.status, second.text, second.isReplayed]).toEqual([201, 'order 1', true])
    expect([second.headers.get('x-order'), second.headers.get('content-type')]).toEqual(['1', 'text/plain'])
    // It is a separate request in the log and in traces.
    expect(second.headers.get('x-trace-id')).not.toBe(first.headers.get('x-trace-id'))
    // The same key, quoted as a structured field.
    expect((await post(service, { key: '"a"' })).isReplayed).toBe(true)
    expect((await post(service, { key: 'b' })).text).toBe('order 2')
    expect(handle).toHaveBeenCalledTimes(2)
  })

  test('a duplicate in the meantime gets 409 with Retry-After', async () => {
    const { handle, ends } = held()
    const service = await serve(handle)
    const first = post(service, { key: 'a' })
    await vi.waitFor(() => expect(ends).toHaveLength(1))
    const second = await post(service, { key: 'a' })
    expect([second.status, second.code]).toEqual([409, 'IDEMPOTENCY_IN_PROGRESS'])
    expect(second.headers.get('retry-after')).toBe('1')
    ends[0]?.({ status: 200, body: 'done' })
    expect((await first).text).toBe('done')
    expect(handle).toHaveBeenCalledTimes(1)
  })

  test('of twenty at once, one runs', async () => {
    const handle = counting()
    const service = await serve(handle)
    const all = await Promise.all(Array.from({ length: 20 }, () => post(service, { key: 'a' })))
    expect(handle).toHaveBeenCalledTimes(1)
    for (const { status, text } of all) if (status !== 409) expect([status, text]).toEqual([201, 'order 1'])
  })

  test('the same key with another body or target is 422, also in the meantime', async () => {
    const { handle, ends } = held()
    const service = await serve(handle)
    const first = post(service, { key: 'a', body: { n: 1 } })
    await vi.waitFor(() => expect(ends).toHaveLength(1))
    expect((await post(service, { key: 'a', body: { n: 2 } })).code).toBe('IDEMPOTENCY_KEY_REUSED')
    ends[0]?.({ status: 200, body: 'done' })
    await first
    const other = await post(service, { key: 'a', body: { n: 2 } })
    expect([other.status, other.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED'])
    expect((await post(service, { key: 'a', body: { n: 1 }, path: '/orders?x=1' })).status).toBe(422)
    const onItem = post(service, { key: 'a', path: '/orders/7' })
    await vi.waitFor(() => expect(ends).toHaveLength(2))
    ends[1]?.({ status: 200, body: 'item' })
    expect((await onItem).text).toBe('item')
    expect((await post(service, { key: 'a', path: '/orders/8' })).status).toBe(422)
  })

  test('another user or method with the same key runs', async () => {
    const handle = counting()
    const service = await serve(handle)
    await post(service, { key: 'a' })
    expect((await post(service, { key: 'a', user: 'eva' })).text).toBe('order 2')
    expect((await post(service, { key: 'a', method: 'PATCH' })).text).toBe('order 3')
    // PUT is idempotent: its key means nothing.
    await post(service, { key: 'a', method: 'PUT' })
    expect((await post(service, { key: 'a', method: 'PUT' })).text).toBe('order 5')
  })

  test('without a key each request runs, unless a key is required', async () => {
    const service = await serve(counting())
    await post(service)
    expect((await post(service)).text).toBe('order 2')
    const strict = await serve(counting(), { required: true })
    const { status, code } = await post(strict)
    expect([status, code]).toEqual([400, 'IDEMPOTENCY_KEY_REQUIRED'])
  })

  test.each([
    { what: 'an answer with 503', fail: async (): Promise<Answer> => ({ status: 503, body: 'down' }) },
    { what: 'a thrown bug', fail: () => Promise.reject(new Error('bug')) },
    { what: 'a thrown 429', fail: () => Promise.reject(new Errors.BUSY()) },
  ])('$what is not stored', async ({ fail }) => {
    let isFirst = true
    const service = await serve(async () => {
      if (!isFirst) return { status: 200, body: 'well' }
      isFirst = false
      return await fail()
    })
    expect((await post(service, { key: 'a' })).status).toBeGreaterThanOrEqual(429)
    await vi.waitFor(async () => {
      const { status, text, isReplayed } = await post(service, { key: 'a' })
      expect([status, text, isReplayed]).toEqual([200, 'well', false])
    })
  })

  test('a business error is an answer, and is replayed', async () => {
    const handle = vi.fn(() => Promise.reject(new Errors.SOLD_OUT()))
    const service = await serve(handle)
    expect((await post(service, { key: 'a' })).code).toBe('SOLD_OUT')
    const { status, code, isReplayed } = await post(service, { key: 'a' })
    expect([status, code, isReplayed]).toEqual([404, 'SOLD_OUT', true])
    expect(handle).toHaveBeenCalledTimes(1)
  })

  test.each([false, true])(
    'bytes, cookies and empty bodies are replayed as they were, streamed: %s',
    async (isStreamed) => {
      const bytes = Uint8Array.from({ length: 3_000 }, (_, index) => index % 256)
      const cookies = ['a=1', 'b=2; Path=/']
      const headers = { 'content-type': 'application/octet-stream', 'set-cookie': cookies }
      const service = await serve(async () => ({ status: 200, body: bytes, headers, isStreamed }))
      const one = await fetch(`${service.url}/orders`, { method: 'POST', headers: { 'idempotency-key': 'a' } })
      const two = await fetch(`${service.url}/orders`, { method: 'POST', headers: { 'idempotency-key': 'a' } })
      expect(two.headers.get('idempotency-replayed')).toBe('true')
      for (const response of [one, two]) {
        expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes)
        expect(response.headers.getSetCookie()).toEqual(cookies)
      }
      const empty = await serve(async () => ({ status: 204, body: '' }))
      await post(empty, { key: 'a' })
      const replayed = await post(empty, { key: 'a' })
      expect([replayed.status, replayed.text, replayed.isReplayed]).toEqual([204, '', true])
    },
  )

  test('an answer that is too large is sent, and the request does not run again', async () => {
    const handle = counting({ body: 'x'.repeat(2_000) })
    const service = await serve(handle, { maxBodyBytes: 1_000 })
    expect((await post(service, { key: 'a' })).text).toHaveLength(2_000)
    const { status, code } = await post(service, { key: 'a' })
    expect([status, code]).toEqual([409, 'IDEMPOTENCY_ANSWER_NOT_KEPT'])
    expect(handle).toHaveBeenCalledTimes(1)
  })

  test('a client that disconnects gets the answer when it comes back', async () => {
    const { handle, ends } = held()
    const service = await serve(handle)
    const controller = new AbortController()
    const first = post(service, { key: 'a', signal: controller.signal })
    await vi.waitFor(() => expect(ends).toHaveLength(1))
    controller.abort()
    await expect(first).rejects.toThrow()
    expect((await post(service, { key: 'a' })).status).toBe(409)
    ends[0]?.({ status: 201, body: 'done' })
    await vi.waitFor(async () => expect((await post(service, { key: 'a' })).text).toBe('done'))
    expect(handle).toHaveBeenCalledTimes(1)
  })

  test.each([
    { what: 'a key of 10 KB', key: 'k'.repeat(10_240) },
    { what: 'an empty key', key: '""' },
    { what: 'a key with a tab', key: 'a\tb' },
    { what: 'a key in Latin-1', key: 'caf\u00e9' },
  ])('$what is 400', async ({ key }) => {
    const handle = counting()
    const service = await serve(handle)
    const { status, code } = await post(service, { key })
    expect([status, code]).toEqual([400, 'IDEMPOTENCY_KEY_INVALID'])
    expect(handle).not.toHaveBeenCalled()
  })

  test('a key with bytes that are no text is 400', async () => {
    const service = await serve(counting())
    const { hostname, port } = new URL(service.url)
    const socket = connect(Number(port), hostname)
    const head = 'POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\nIdempotency-Key: '
    socket.end(Buffer.concat([Buffer.from(head), Buffer.from([0xff, 0xfe, 0x80]), Buffer.from('\r\n\r\n')]))
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    expect(text).toContain('IDEMPOTENCY_KEY_INVALID')
  })

  test('a body of a megabyte is compared, and a larger one refused before anything runs', async () => {
    const handle = counting()
    const service = await serve(handle)
    const large = { text: 'x'.repeat(900_000) }
    await post(service, { key: 'a', body: large })
    expect((await post(service, { key: 'a', body: large })).isReplayed).toBe(true)
    expect((await post(service, { key: 'a', body: { text: `${large.text}y` } })).status).toBe(422)
    expect((await post(service, { key: 'b', body: { text: 'x'.repeat(2_000_000) } })).status).toBe(413)
    expect(handle).toHaveBeenCalledTimes(1)
  })

  test('while the store fails, the instance keeps answers in its memory, or refuses', async () => {
    const fail = (): Promise<never> => Promise.reject(new Error('down'))
    const store = { get: fail, set: fail, delete: fail, lock: fail }
    const alone = await serve(counting(), { store })
    await post(alone, { key: 'a' })
    expect((await post(alone, { key: 'a' })).isReplayed).toBe(true)
    const handle = counting()
    const closed = await serve(handle, { store, onLoss: 'closed' })
    const { status, code } = await post(closed, { key: 'a' })
    expect([status, code]).toEqual([503, 'IDEMPOTENCY_UNAVAILABLE'])
    expect(handle).not.toHaveBeenCalled()
  })
})
