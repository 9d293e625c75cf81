// A service of the tests of traces: it answers with what the next service answers. Its parent gets its port as a message,
// and its log lines on the standard output.
import { constant, fallback, retry, shield, timeout } from 'escudo'
import { createErrorContract, defineErrors } from 'escudo/errors'
import { contractOptions, escudo } from 'escudo/fastify'
import { resilientFetch } from 'escudo/http'
import { createLogger } from 'escudo/pino'
import Fastify from 'fastify'

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
app.get('/plain', async () => {
  const answer = await fetch(`${NEXT}/products/9`)
  return answer.json()
})

await app.listen({ port: 0, host: '127.0.0.1' })
process.send?.(app.server.address())
process.once('SIGTERM', async () => {
  await app.close()
  process.disconnect()
})
