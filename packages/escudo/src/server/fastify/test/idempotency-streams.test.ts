// Streams that end otherwise than by their last byte, with an idempotency key. Without one, Fastify ends the answer.
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import Fastify from 'fastify'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { contractOptions, escudo, idempotency } from '../../fastify.ts'

const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })
const closes: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closes.splice(0)) await close()
})

async function serve(makeStream: () => unknown) {
  const app = Fastify({ ...contractOptions(contract), forceCloseConnections: true })
  await app.register(escudo, { contract })
  await app.register(idempotency({ scope: () => 'ana' }))
  const handler = vi.fn(async () => makeStream())
  app.post('/orders', handler)
  await app.listen({ port: 0, host: '127.0.0.1' })
  closes.push(() => app.close())
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/orders`
  return { url, handler }
}

/** The status of an answer; that it broke off, if it did. */
async function answerOf(url: string, headers: Record<string, string>): Promise<unknown> {
  const signal = AbortSignal.timeout(2_000)
  try {
    const response = await fetch(url, { method: 'POST', headers, signal })
    await response.text()
    return response.status
  } catch {
    return signal.aborted ? 'hangs' : 'broken off'
  }
}

const KEY = { 'idempotency-key': 'a1' }

/** A stream that is destroyed after its first bytes. */
function breaking(error?: Error): Readable {
  const stream = new PassThrough()
  stream.write('half')
  setTimeout(() => stream.destroy(error), 20)
  return stream
}

const STREAMS: readonly (readonly [string, () => unknown])[] = [
  ['was destroyed before', () => Readable.from(['a']).destroy()],
  [
    'failed before',
    () =>
      Readable.from(['a'])
        .on('error', () => {})
        .destroy(new Error('before')),
  ],
  [
    'is destroyed before its first bytes',
    () =>
      new PassThrough()
        .on('pipe', () => {})
        .once('resume', function (this: PassThrough) {
          this.destroy()
        }),
  ],
  ['is destroyed half-way', () => breaking()],
  ['fails half-way', () => breaking(new Error('half-way'))],
  [
    'was read before',
    async () => {
      const stream = Readable.from(['a'])
      for await (const _ of stream);
      return stream
    },
  ],
  ['is an empty one', () => Readable.from([])],
]

describe('with an idempotency key, a stream', () => {
  it.each(STREAMS)(
    'that %s gets the same answer as without one',
    async (_, makeStream) => {
      const { url } = await serve(makeStream)
      const bare = await answerOf(url, {})
      expect(await answerOf(url, KEY)).toEqual(bare)
    },
    10_000,
  )

  it.each([
    ['destroyed', undefined],
    ['failed', new Error('down')],
  ])('that was %s is no answer: the request may be sent again', async (_, error) => {
    const { url, handler } = await serve(() => breaking(error))
    expect(await answerOf(url, KEY)).toBe('broken off')
    await vi.waitFor(async () => expect(await answerOf(url, KEY)).toBe('broken off'))
    expect(handler).toHaveBeenCalledTimes(2)
  })

  it.each([
    ['destroys', undefined],
    ['fails', new Error('the client is gone')],
  ])('that its handler %s because the client has disconnected is not made twice', async (_, error) => {
    const app = Fastify({ ...contractOptions(contract), forceCloseConnections: true })
    await app.register(escudo, { contract })
    await app.register(idempotency({ scope: () => 'ana' }))
    const handler = vi.fn()
    app.post('/orders', async (_request, reply) => {
      handler()
      const stream = new PassThrough()
      stream.write('half')
      reply.raw.once('close', () => stream.destroy(error))
      return stream
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    closes.push(() => app.close())
    const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/orders`
    const controller = new AbortController()
    const { body } = await fetch(url, { method: 'POST', headers: KEY, signal: controller.signal })
    await body?.getReader().read()
    controller.abort()
    await vi.waitFor(async () => {
      const response = await fetch(url, { method: 'POST', headers: KEY })
      expect(await response.json()).toMatchObject({ error_code: 'IDEMPOTENCY_ANSWER_NOT_KEPT' })
    })
    expect(handler).toHaveBeenCalledTimes(1)
  })
})
