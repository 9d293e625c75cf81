import { request } from 'node:http'
import { connect } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { afterEach, describe, expect, it } from 'vitest'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { keptLines } from '../../test/kept-lines.ts'
import { escudo } from '../adapter.ts'

const contract = createErrorContract({ service: 'shop', errors: defineErrors({}) })
const servers: { close(): unknown }[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** Starts a handler on Node's front that answers with the path. */
async function listen() {
  const { lines, logger } = keptLines()
  const { handler, createServer } = escudo({ contract, logger })
  const fetch = handler(({ url }) => new Response(new URL(url).pathname))
  const server = createServer(getRequestListener(fetch, { overrideGlobalObjects: false }))
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  return { lines, port: (server.address() as { port: number }).port }
}

/** Sends a head as it is. */
async function send(port: number, head: string): Promise<{ status: number; text: string }> {
  const answer = await new Promise<string>((resolve, reject) => {
    let bytes = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(`${head}\r\n\r\n`))
    socket.on('data', (chunk) => {
      bytes += chunk
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(bytes))
  })
  return { status: Number(answer.split(' ')[1]), text: answer.split('\r\n\r\n')[1] ?? '' }
}

describe('a request that a library can make no Request of, on Node', () => {
  it.each([
    ['a port that is too large', 'GET / HTTP/1.1\r\nHost: shop:99999\r\nConnection: close'],
    ['an address that is none', 'GET / HTTP/1.1\r\nHost: 256.256.256.256\r\nConnection: close'],
    ['a host with percent-encoding', 'GET / HTTP/1.1\r\nHost: %41\r\nConnection: close'],
    ['an address with a zone', 'GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\nConnection: close'],
    ['an IP literal that is no address', 'GET / HTTP/1.1\r\nHost: [:::::]\r\nConnection: close'],
    ['no host, in HTTP/1.0', 'GET / HTTP/1.0'],
    ['another scheme', 'GET ftp://shop/ HTTP/1.1\r\nHost: shop\r\nConnection: close'],
  ])('is 400 in the form of the contract: %s', async (_, head) => {
    const { port, lines } = await listen()
    const { status, text } = await send(port, head)
    expect([status, JSON.parse(text).error_code]).toEqual([400, 'BAD_REQUEST'])
    await expect.poll(() => lines.map((line) => line['event'])).toEqual(['http_error', 'http.request'])
    expect(lines[1]).toMatchObject({ status_code: 400, error_code: 'BAD_REQUEST' })
  })

  it('is 404 for the target *, as on other frameworks', async () => {
    const { port } = await listen()
    const { status, text } = await send(port, 'OPTIONS * HTTP/1.1\r\nHost: shop\r\nConnection: close')
    expect([status, JSON.parse(text).error_code]).toEqual([404, 'ROUTE_NOT_FOUND'])
  })

  it('knows the scheme of an absolute URL in upper case', async () => {
    const { port } = await listen()
    const { status, text } = await send(port, 'GET HTTP://shop/potion HTTP/1.1\r\nHost: shop\r\nConnection: close')
    expect(status).toBe(200)
    expect(text).toContain('/potion')
  })

  it('leaves a 400 of a handler as it is', async () => {
    const { lines, logger } = keptLines()
    const { handler, createServer } = escudo({ contract, logger })
    const server = createServer(
      getRequestListener(
        handler(() => new Response(null, { status: 400 })),
        { overrideGlobalObjects: false },
      ),
    )
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    const { port } = server.address() as { port: number }
    const status = await new Promise((resolve, reject) => {
      const outgoing = request({ port, agent: false }, (response) => resolve(response.resume().statusCode))
      outgoing.on('error', reject).end()
    })
    expect(status).toBe(400)
    await expect.poll(() => lines.map((line) => line['event'])).toEqual(['http.request'])
  })
})
