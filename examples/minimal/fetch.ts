// A fetch with retries, timeouts and a circuit breaker for each origin. The server here fails the first request.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { constant, standardShield } from 'escudo'
import { resilientFetch, UpstreamError } from 'escudo/http'
import { z } from 'zod'

let requests = 0
const server = createServer((request, response) => {
  requests += 1
  if (request.url === '/items/unknown') response.writeHead(404).end()
  else if (requests === 1) response.writeHead(503).end()
  else response.setHeader('content-type', 'application/json').end('{"stock":7}')
}).listen(0, '127.0.0.1')
await once(server, 'listening')

const get = resilientFetch({
  name: 'inventory', // appears in errors, events and metrics
  baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  // The default without this line: the same policies, with a retry delay of about 2 s.
  shield: standardShield('inventory', { retry: { maxRetries: 2, backoff: constant('20ms') } }),
  errors: 'throw', // a status from 400 on throws
})

const response = await get('/items/mana-potion')
const { stock } = z.object({ stock: z.number() }).parse(await response.json())
console.log(`stock: ${stock}, after ${requests} requests`)

try {
  await get('/items/unknown')
} catch (error) {
  if (error instanceof UpstreamError) console.log(`status ${error.status}, not retried: ${requests} requests`)
}
server.close()
