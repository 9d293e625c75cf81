import { describe, expect, test } from 'vitest'
import { shield } from '../../core/shield.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { rawServer } from './raw-server.ts'
import { retryOnce } from './setup.ts'

const bare = resilientFetch({ name: 'x', shield: false })

describe('the length of a Request body', () => {
  const make = (origin: string) => new Request(origin, { method: 'PUT', body: 'hello' })

  test.each([
    ['without a buffer', undefined],
    ['with a buffer for it', { maxBytes: 100 }],
    ['with a buffer that is too small', { maxBytes: 4 }],
  ])('is sent as Content-Length: %s', async (_, retryBody) => {
    const { origin, requests } = await rawServer()
    const send = resilientFetch({ name: 'x', shield: shield('x', retryOnce()), retryBody })
    for (const request of [make(origin), make(origin).clone(), new Request(make(origin))]) {
      expect((await send(request)).status).toBe(200)
      expect(request.bodyUsed).toBe(true)
    }
    for (const request of requests) {
      expect(request).toMatch(/^content-length: 5\r\n/im)
      expect(request).toMatch(/\r\n\r\nhello$/)
    }
    expect(requests).toHaveLength(3)
  })

  test('is unknown for a stream: the body is sent in chunks', async () => {
    const { origin, requests } = await rawServer()
    const body = new Blob(['hello']).stream()
    await bare(new Request(origin, { method: 'PUT', body, duplex: 'half' }))
    expect(requests[0]).toMatch(/^transfer-encoding: chunked\r\n/im)
  })

  test('is sent by each attempt of a buffered Request', async () => {
    const { origin, requests } = await rawServer((socket, _, count) => {
      socket.end(`HTTP/1.1 ${count === 1 ? 503 : 200} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
    })
    const send = resilientFetch({ name: 'x', shield: shield('x', retryOnce()), retryBody: { maxBytes: 5 } })
    expect((await send(make(origin))).status).toBe(200)
    expect(requests.map((request) => /content-length: 5\r\n\r\nhello$/i.test(request))).toEqual([true, true])
  })
})
