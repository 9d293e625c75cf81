import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Answer } from '../answer.ts'
import { get, rawBytes } from '../request.ts'
import { parseRaw, send } from '../send.ts'

const servers: Server[] = []
const sockets: Socket[] = []

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

/** Starts a server that calls `answer` for each connection after its first data. */
async function serving(answer: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as { port: number }).port
}

const ask = async (answer: (socket: Socket) => void, timeoutMs = 2_000): Promise<Answer> =>
  send(await serving(answer), get('/'), timeoutMs)

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n'

test('reads a complete answer', async () => {
  const answer = await ask((socket) =>
    socket.end('HTTP/1.1 404 X\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 8\r\n\r\n{"a":[]}'),
  )
  expect(answer).toMatchObject({ status: 404, json: { a: [] }, failure: undefined, headers: { 'x-a': '1, 2' } })
})

test('reports a connection that closes before the announced length', async () => {
  expect(await ask((socket) => socket.end(`${HEAD}12345`))).toMatchObject({ status: 200, body: '12345' })
  expect((await ask((socket) => socket.end(`${HEAD}12345`))).failure).toMatch(/^(INCOMPLETE|ECONNRESET)$/)
})

test('reports a reset before and during the answer', async () => {
  expect(await ask((socket) => socket.resetAndDestroy())).toMatchObject({ status: 0, failure: 'ECONNRESET' })
  const within = await ask((socket) => socket.write(`${HEAD}123`, () => setTimeout(() => socket.resetAndDestroy(), 30)))
  expect(within.status).toBe(200)
  expect(within.failure).toBeDefined()
})

test('times out when a body stalls', async () => {
  expect(await ask((socket) => socket.write(`${HEAD}123`), 100)).toMatchObject({
    ...{ status: 200, body: '123', failure: 'TIMEOUT' },
  })
})

test('times out without an answer', async () => {
  expect(await ask(() => {}, 80)).toMatchObject({ status: 0, failure: 'TIMEOUT' })
})

test('reports a refused connection', async () => {
  const port = await serving(() => {})
  servers[0]?.close()
  expect(await send(port, get('/'), 1_000)).toMatchObject({ status: 0, failure: 'ECONNREFUSED' })
  expect(await send(port, rawBytes('x', 'x\r\n\r\n'), 1_000)).toMatchObject({ status: 0, failure: 'ECONNREFUSED' })
})

test('reports an answer that is not HTTP', async () => {
  const answer = await ask((socket) => socket.end('\u0000\u0001 not http\r\n\r\n'))
  expect(answer.status).toBe(0)
  expect(answer.failure).toMatch(/^HPE_/)
})

test('stops reading an endless body at its size limit', async () => {
  const answer = await ask((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    const write = (): void => {
      while (!socket.destroyed && socket.write('x'.repeat(65_536)));
    }
    socket.on('drain', write)
    write()
  }, 10_000)
  expect(answer.failure).toBe('BODY_TOO_LARGE')
  expect(answer.body.length).toBeLessThan(5 * 1024 * 1024)
})

test('closes the connection after abortAfterMs', async () => {
  const port = await serving(() => {})
  const answer = await send(port, get('/', { abortAfterMs: 50 }), 5_000)
  expect(answer).toMatchObject({ status: 0, failure: 'ABORTED' })
  expect(answer.ms).toBeLessThan(1_000)
})

test('reads the answer to raw bytes, also on a connection that stays open', async () => {
  const port = await serving((socket) => socket.write('HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\n{}'))
  expect(await send(port, rawBytes('x', 'GET / HTTP/1.1\r\n\r\n'), 2_000)).toMatchObject({ status: 400, json: {} })
})

test('parses malformed raw answers without throwing', () => {
  expect(parseRaw('HTTP/1.1 2', 1, undefined).status).toBe(0)
  expect(parseRaw('nonsense\r\n\r\n', 1, undefined).status).toBe(0)
  expect(parseRaw('HTTP/1.1 200 OK\r\n__proto__: x\r\n\r\n', 1, undefined).headers['content-length']).toBeUndefined()
})
