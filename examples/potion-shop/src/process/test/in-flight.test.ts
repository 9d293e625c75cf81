import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { InFlight } from '../in-flight.ts'

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

async function listen(listener: RequestListener): Promise<{ inFlight: InFlight; open: () => Promise<Socket> }> {
  const server = createServer(listener)
  servers.push(server)
  const inFlight = new InFlight(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const open = async (): Promise<Socket> => {
    const accepted = once(server, 'connection')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    await accepted
    return socket
  }
  return { inFlight, open }
}

test('a connection that never sent a request does not delay the drain', async () => {
  const { inFlight, open } = await listen((_request, response) => response.end())
  const unused = await open()
  await inFlight.drain()
  expect(await text(unused)).toBe('')
})

test('answers the first request of a connection that arrives as the drain begins', async () => {
  const { inFlight, open } = await listen((_request, response) => response.end('answered'))
  const socket = await open()
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const drained = inFlight.drain()
  expect(await text(socket)).toMatch(/Connection: close.*answered$/s)
  await drained
})

test('the drain waits for a request in flight, and closes its connection', async () => {
  let answer: (() => void) | undefined
  const { inFlight, open } = await listen((_request, response) => {
    answer = () => response.end('answered')
  })
  const [busy, unused] = [await open(), await open()]
  busy.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await expect.poll(() => answer).toBeDefined()
  let isDrained = false
  const drained = inFlight.drain().then(() => {
    isDrained = true
  })
  // The unused connection is closed after all that the drain closes by itself.
  expect(await text(unused)).toBe('')
  expect(isDrained).toBe(false)
  answer?.()
  expect(await text(busy)).toMatch(/Connection: close.*answered$/s)
  await drained
})
