// The built files share the port to the tracer, although each subpath has its own file.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installPacked, type Project } from '../../tools/build/install.ts'

let project: Project
beforeAll(async () => {
  project = await installPacked(['@opentelemetry/api', 'fastify', 'undici'])
})
afterAll(() => project.remove())

const PROGRAM = `
  import { trace } from '@opentelemetry/api'
  import { retry, shield, withContext } from 'escudo'
  import { createErrorContract, defineErrors } from 'escudo/errors'
  import { contractOptions, escudo } from 'escudo/fastify'
  import { resilientFetch } from 'escudo/http'
  import { recordTraces } from 'escudo/otel'
  import { resilientRequest } from 'escudo/undici'
  import Fastify from 'fastify'

  const names = []
  let last = 0
  const startSpan = (name, { kind }) => {
    names.push(name + ' ' + kind)
    const ids = { traceId: '1'.repeat(32), spanId: String(++last).padStart(16, '0'), traceFlags: 1 }
    return { ...trace.wrapSpanContext(ids), spanContext: () => ids, isRecording: () => false }
  }
  recordTraces({ tracerProvider: { getTracer: () => ({ startSpan }) } })

  const contract = createErrorContract({ service: 'x', errors: defineErrors({}) })
  const app = Fastify({ ...contractOptions(contract), logger: false })
  await app.register(escudo, { contract })
  app.get('/', async (request) => request.headers.traceparent)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const policies = shield('x', retry())
  const parents = await withContext({}, async () => [
    await (await resilientFetch({ name: 'x', shield: policies })(url)).text(),
    await (await resilientRequest({ name: 'x', shield: policies })(url)).body.text(),
  ])
  console.log(JSON.stringify({ names, parents: parents.map((text) => Number(text.split('-')[2])) }))
  process.exit()
`

test('recordTraces of the built library reaches requests, both clients and withContext', () => {
  const output = project.run(PROGRAM).trim().split('\n').at(-1) as string
  // Kinds: 0 is internal, 1 is a server, 2 is a client.
  expect(JSON.parse(output)).toEqual({ names: ['work 0', 'GET 2', 'GET 1', 'GET 2', 'GET 1'], parents: [2, 4] })
})
