import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { expect, it } from 'vitest'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { escudo } from '../adapter.ts'

it('while the server closes, a request on an open connection gets 503, and the connection ends', async () => {
  let release = (): void => {}
  const isReleased = new Promise<void>((resolve) => {
    release = resolve
  })
  const contract = createErrorContract({ service: 'shop', errors: defineErrors({}) })
  const { handler, createServer } = escudo({ contract })
  const fetch = handler(async () => {
    await isReleased
    return new Response('done')
  })
  const server = createServer(getRequestListener(fetch, { overrideGlobalObjects: false })).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  let text = ''
  socket.on('data', (bytes) => {
    text += bytes
  })
  socket.write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n')
  await once(server, 'request')
  const closed = once(server.close(), 'close')
  const ended = once(socket, 'close')
  socket.write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n')
  await once(server, 'request')
  release()
  await closed
  await ended
  expect(text).toMatch(/^HTTP\/1\.1 200 OK.*done.*HTTP\/1\.1 503 .*\r\nConnection: close\r\n.*"SHUTTING_DOWN"/s)
})
