import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { context, createTraceState, SpanKind, trace } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'
import { ambient } from '../../../core/context/ambient.ts'
import { resilientFetch } from '../../../http/resilient-fetch.ts'
import { serverPerTest } from '../../../server/fastify/test/setup.ts'
import { activeIds, endedSpans, RPC_METADATA, startTraces, suppressed, TRACE_ID, TRACEPARENT } from './setup.ts'

const serve = serverPerTest()
const headers = { traceparent: TRACEPARENT }

describe('the active span', () => {
  it('is that of the request across await, timers, streams and the body parser', async () => {
    const sdk = startTraces()
    const seen: (string | undefined)[] = []
    const note = () => seen.push(activeIds()?.spanId, ambient()?.spanId)
    const { port } = await serve((app) => {
      app.addContentTypeParser('text/custom', (_request, payload, done) => {
        note()
        payload.on('data', note).on('end', () => {
          note()
          done(null, {})
        })
      })
      app.post('/', async (_request, reply) => {
        note()
        await sleep(1)
        note()
        await new Promise<void>((resume) => setTimeout(() => resume(void note()), 1))
        const stream = new PassThrough().on('data', note)
        stream.write('a')
        queueMicrotask(note)
        setImmediate(() => {
          note()
          stream.end('b')
        })
        reply.raw.once('finish', note)
        return reply.send(stream)
      })
    })
    await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      body: 'text',
      headers: { 'content-type': 'text/custom' },
    })
    const [span] = await endedSpans(sdk, 'server')
    expect(seen.length).toBeGreaterThan(16)
    expect(new Set(seen)).toEqual(new Set([span?.spanId]))
  })

  it('never mixes concurrent requests', async () => {
    const sdk = startTraces()
    const { port } = await serve((app) => {
      app.get('/:n', async () => {
        const before = activeIds()?.spanId
        await sleep(Math.random() * 5)
        return { before, after: activeIds()?.spanId, own: ambient()?.spanId, trace: activeIds()?.traceId }
      })
    })
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const response = await fetch(`http://127.0.0.1:${port}/${n}`)
        return { header: response.headers.get('x-trace-id'), ...((await response.json()) as Seen) }
      }),
    )
    for (const { before, after, own, trace: id, header } of answers) {
      expect(after).toBe(before)
      expect(own).toBe(before)
      expect(header).toBe(id)
    }
    expect(new Set(answers.map(({ before }) => before)).size).toBe(50)
    await endedSpans(sdk, 'server', 50)
  })

  it('is the parent of spans that the program makes', async () => {
    const sdk = startTraces()
    const { port } = await serve((app) => {
      app.get('/', async () => {
        await sleep(1)
        trace.getTracer('shop').startSpan('query').end()
        return 'ok'
      })
    })
    await fetch(`http://127.0.0.1:${port}/`)
    const [server] = await endedSpans(sdk, 'server')
    expect(sdk.spansOf('internal')).toMatchObject([{ name: 'query', parentSpanId: server?.spanId }])
  })

  it('is not adopted if it is that of the code which started the server', async () => {
    const sdk = startTraces()
    const tracer = trace.getTracer('shop')
    await tracer.startActiveSpan('start', { kind: SpanKind.INTERNAL }, async (start) => {
      const { port } = await serve((app) => void app.get('/', async () => 'ok'))
      await fetch(`http://127.0.0.1:${port}/`)
      start.end()
    })
    const [server] = await endedSpans(sdk, 'server')
    expect(server?.parentSpanId).toBeUndefined()
    expect(server?.traceId).not.toBe(sdk.spansOf('internal')[0]?.traceId)
  })

  it('is adopted if it is that of a server, and completed', async () => {
    const sdk = startTraces()
    const { port, app } = await serve((server) => void server.get('/items/:id', async () => activeIds()?.spanId))
    const tracer = trace.getTracer('another instrumentation')
    const emit = app.server.emit.bind(app.server) as (...args: unknown[]) => boolean
    app.server.emit = ((event: string, ...args: unknown[]) => {
      if (event !== 'request') return emit(event, ...args)
      const span = tracer.startSpan('GET', { kind: SpanKind.SERVER })
      ;(args[1] as NodeJS.EventEmitter).once('close', () => span.end())
      return context.with(trace.setSpan(context.active(), span), () => emit(event, ...args))
    }) as typeof app.server.emit
    const response = await fetch(`http://127.0.0.1:${port}/items/9`, { headers })
    const [span] = await endedSpans(sdk, 'server')
    expect(sdk.spans()).toHaveLength(1)
    expect(await response.text()).toBe(span?.spanId)
    expect(response.headers.get('x-trace-id')).toBe(span?.traceId)
    expect(span).toMatchObject({ name: 'GET /items/:id', attributes: { 'http.route': '/items/:id' } })
  })

  it('keeps the route of another instrumentation, and gives nothing of a peer that is not trusted', async () => {
    const sdk = startTraces()
    const { port, app } = await serve(
      (server) => void server.get('/items/:id', async () => ({ state: ambient()?.traceState ?? 'none' })),
      { contract: { trustInbound: false } },
    )
    const tracer = trace.getTracer('another instrumentation')
    const peer = { traceId: TRACE_ID, spanId: 'c'.repeat(16), traceFlags: 1, traceState: createTraceState('vendor=1') }
    const emit = app.server.emit.bind(app.server) as (...args: unknown[]) => boolean
    app.server.emit = ((...args: unknown[]) => {
      if (args[0] !== 'request') return emit(...args)
      const parent = trace.setSpanContext(context.active(), peer)
      const span = tracer.startSpan('GET', { kind: SpanKind.SERVER }, parent)
      ;(args[2] as NodeJS.EventEmitter).once('close', () => span.end())
      const inside = trace.setSpan(parent, span).setValue(RPC_METADATA, { span, route: '/mounted' })
      return context.with(inside, () => emit(...args))
    }) as typeof app.server.emit
    const response = await fetch(`http://127.0.0.1:${port}/items/9`)
    expect(await response.json()).toEqual({ state: 'none' })
    const [span] = await endedSpans(sdk, 'server')
    expect(span).toMatchObject({ name: 'GET', traceId: TRACE_ID })
    expect(span?.attributes).not.toHaveProperty('http.route')
  })

  it('is none for a request that an instrumentation ignores', async () => {
    const sdk = startTraces()
    const { port, app } = await serve((server) => void server.get('/healthz', async () => ambient()?.spanId))
    const emit = app.server.emit.bind(app.server) as (...args: unknown[]) => boolean
    app.server.emit = ((...args: unknown[]) =>
      context.with(suppressed(), () => emit(...args))) as typeof app.server.emit
    const response = await fetch(`http://127.0.0.1:${port}/healthz`, { headers })
    expect(await response.text()).toMatch(/^[0-9a-f]{16}$/)
    expect(response.headers.get('x-trace-id')).toBe(TRACE_ID)
    expect(sdk.spans()).toEqual([])
  })

  it('is a new one for a request that an attempt makes without a network', async () => {
    const sdk = startTraces()
    const { app } = await serve((server) => void server.get('/inner', async () => activeIds()?.spanId))
    const inject: typeof fetch = async (_, init) => {
      const given = Object.fromEntries(new Headers(init?.headers))
      return new Response((await app.inject({ url: '/inner', headers: given })).body)
    }
    const text = await (await resilientFetch({ name: 'x', fetch: inject })('http://inner.test/inner')).text()
    const [server] = await endedSpans(sdk, 'server')
    expect(text).toBe(server?.spanId)
    expect(server?.parentSpanId).toBe(sdk.spansOf('client')[0]?.spanId)
  })

  it('is a new one for a request that is made inside another one, without a network', async () => {
    const sdk = startTraces()
    const { port, app } = await serve((server) => {
      server.get('/outer', async () => (await app.inject('/inner')).body)
      server.get('/inner', async () => activeIds()?.spanId)
    })
    const inner = await (await fetch(`http://127.0.0.1:${port}/outer`)).text()
    const spans = await endedSpans(sdk, 'server', 2)
    expect(spans.map(({ name }) => name)).toEqual(['GET /inner', 'GET /outer'])
    expect(spans[0]?.spanId).toBe(inner)
  })
})

interface Seen {
  readonly before?: string
  readonly after?: string
  readonly own?: string
  readonly trace?: string
}
