// A service of the tests of traces: it answers with what the next service answers. Its parent gets its port as a message,
// and its log lines on the standard output.
import { get } from 'node:http'
import { constant, fallback, retry, shield, timeout } from 'escudo'
import { createErrorContract, defineErrors } from 'escudo/errors'
import { contractOptions, escudo } from 'escudo/fastify'
import { resilientFetch } from 'escudo/http'
import { createLogger } from 'escudo/pino'
import { resilientRequest } from 'escudo/undici'
import Fastify from 'fastify'
import { Agent } from 'undici'

const { SERVICE = 'service', NEXT, FAILURES = '0' } = process.env

const Errors = defineErrors({ BROKEN: { status: 503, kind: 'technical', message: 'Broken.' } })
const contract = createErrorContract({ service: SERVICE, errors: Errors })
const app = Fastify(contractOptions(contract, { logger: createLogger({ service: SERVICE }) }))
await app.register(escudo, { contract })

const policies = shield('next', timeout('5s'), retry({ maxRetries: 2, backoff: constant(1) }))
const next = NEXT === undefined ? undefined : resilientFetch({ name: 'next', baseUrl: NEXT, shield: policies })
const reviews = shield('reviews', fallback({ reviews: null }))
let failures = Number(FAILURES)

app.get('/products/:id', async (request) => {
  if (failures > 0) {
    failures -= 1
    throw new Errors.BROKEN()
  }
  const { id } = request.params as { id: string }
  const answer = await next?.(`/products/${id}?key=secret`)
  const inner: unknown = await answer?.json()
  return { service: SERVICE, inner, ...(await reviews.run(() => Promise.reject(new Error('no reviews')))) }
})
app.get('/bug', async () => {
  throw new TypeError('a bug')
})
// A request that does not use escudo.
app.get('/plain', async () => {
  const answer = await fetch(`${NEXT}/products/9`)
  return answer.json()
})

// A custom `fetch` on `node:http`, for which there is another instrumentation.
const overNodeHttp = resilientFetch({
  name: 'over-node-http',
  fetch: (input, init) =>
    new Promise((resolve, reject) => {
      const headers = Object.fromEntries(new Headers(init?.headers))
      get(String(input), { headers }, async (response) => {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk as Buffer)
        resolve(new Response(Buffer.concat(chunks), { status: response.statusCode ?? 200 }))
      }).once('error', reject)
    }),
})
app.get('/node-http', async () => {
  const answer = await overNodeHttp(`${NEXT}/products/9`)
  return answer.json()
})

// One connection: all calls but the first wait in the pool, and are sent in the context of another one.
const dispatcher = new Agent({ connections: 1, pipelining: 1 })
const overUndici = resilientRequest({ name: 'over-undici', dispatcher })
app.get('/undici', async () => {
  const ask = async (id: number): Promise<unknown> => (await overUndici(`${NEXT}/products/${id}`)).body.json()
  return Promise.all([ask(1), ask(2), ask(3)])
})

await app.listen({ port: 0, host: '127.0.0.1' })
process.send?.(app.server.address())
process.once('SIGTERM', async () => {
  await Promise.all([app.close(), dispatcher.close()])
  process.disconnect()
})
