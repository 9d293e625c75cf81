import { describe, expect, test } from 'vitest'
import { resilientFetch } from '../resilient-fetch.ts'
import { serve, upstreamErrorOf } from './setup.ts'

const KIB_64 = 65_536

/** The body in the error of a 500 response that has `type` and these chunks. */
async function bodyInError(type: string, ...chunks: (string | Buffer)[]): Promise<unknown> {
  const baseUrl = await serve(async (_, response) => {
    response.writeHead(500, { 'content-type': type })
    for (const chunk of chunks) {
      response.write(chunk)
      await new Promise((sent) => setTimeout(sent, 5))
    }
    response.end()
  })
  const get = resilientFetch({ name: 'x', baseUrl, shield: false, errors: 'throw' })
  return (await upstreamErrorOf(get('/'))).body
}

describe('the body in an UpstreamError', () => {
  test.each([
    ['one chunk', ['x'.repeat(200_000)]],
    ['many chunks', Array<string>(30).fill('x'.repeat(10_000))],
    ['a chunk that starts just before the bound', ['x'.repeat(KIB_64 - 1), 'y'.repeat(100_000)]],
  ])('has exactly 64 KiB of a longer text: %s', async (_, chunks) => {
    expect(await bodyInError('text/plain', ...chunks)).toBe(chunks.join('').slice(0, KIB_64))
  })

  test('has no broken character where the bound divides one', async () => {
    const text = `x${'ñ'.repeat(KIB_64)}`
    const body = String(await bodyInError('text/plain', text))
    expect(text.startsWith(body)).toBe(true)
    expect(Buffer.byteLength(body)).toBe(KIB_64 - 1)
  })

  test.each([KIB_64 - 1, KIB_64])('is parsed if it is JSON of %i bytes', async (length) => {
    const json = JSON.stringify('x'.repeat(length - 2))
    expect(await bodyInError('application/json', json)).toBe(JSON.parse(json))
    expect(await bodyInError('application/json', json.slice(0, 9), json.slice(9))).toBe(JSON.parse(json))
  })

  test('is undefined if it is JSON of one byte more', async () => {
    expect(await bodyInError('application/json', JSON.stringify('x'.repeat(KIB_64 - 1)))).toBeUndefined()
  })

  test('of JSON that ended early is its text, even if the beginning is valid', async () => {
    const baseUrl = await serve((request, response) => {
      response.writeHead(500, { 'content-type': 'application/json', 'content-length': 3 })
      response.write('12', () => setImmediate(() => request.socket.destroy()))
    })
    const get = resilientFetch({ name: 'x', baseUrl, shield: false, errors: 'throw' })
    expect((await upstreamErrorOf(get('/'))).body).toBe('12')
  })
})
