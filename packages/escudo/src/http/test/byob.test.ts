import { describe, expect, test } from 'vitest'
import { shield } from '../../core/shield.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { serve, settled, upstreamErrorOf } from './setup.ts'

const bare = resilientFetch({ name: 'x', shield: false })

describe('a reader that brings its own buffer (BYOB)', () => {
  async function readByob(body: ReadableStream<Uint8Array> | null, size: number): Promise<string> {
    const reader = (body as ReadableStream<Uint8Array>).getReader({ mode: 'byob' })
    let text = ''
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(size))
      if (done) return text
      text += Buffer.from(value).toString()
    }
  }

  test.each([200, 404, 503])('reads the body of a %i', async (status) => {
    const baseUrl = await serve((_, response) => {
      response.statusCode = status
      response.write('hello ')
      setTimeout(() => response.end('world'), 5)
    })
    const guarded = resilientFetch({ name: 'x', shield: shield('x', timeout('5s'), circuitBreaker()) })
    for (const send of [fetch, bare, guarded]) expect(await readByob((await send(baseUrl)).body, 4)).toBe('hello world')
  })

  test('reads 1 MB, a clone, and a body that is already complete', async () => {
    const text = 'x'.repeat(1_000_000)
    const baseUrl = await serve((_, response) => response.end(text))
    expect(await readByob((await bare(baseUrl)).body, 10_000)).toBe(text)
    expect(await readByob((await bare(baseUrl)).clone().body, 10_000)).toBe(text)
    const short = await serve((_, response) => response.end('short'))
    const response = await bare(short)
    await settled()
    expect(await readByob(response.body, 100)).toBe('short')
  })

  test('receives the error of a body that ends early', async () => {
    const baseUrl = await serve((request, response) => {
      response.setHeader('content-length', 100)
      response.write('half', () => setImmediate(() => request.socket.destroy()))
    })
    const error = await upstreamErrorOf(readByob((await bare(baseUrl)).body, 2))
    expect(error).toMatchObject({ failure: 'body' })
  })

  test('is refused for the body of a custom fetch that is no byte stream, whose chunks stay intact', async () => {
    const shared = new TextEncoder().encode('shared')
    const custom = async () => {
      return new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(shared)
            controller.close()
          },
        }),
      )
    }
    const send = resilientFetch({ name: 'x', shield: false, fetch: custom })
    expect(() => (custom as never as typeof fetch)('http://x/')).not.toThrow()
    expect(await (await send('http://x/')).text()).toBe('shared')
    expect(await (await send('http://x/')).text()).toBe('shared')
    const { body } = await send('http://x/')
    expect(() => body?.getReader({ mode: 'byob' })).toThrow(TypeError)
  })
})
