import type { IncomingHttpHeaders } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { context, createContextKey, propagation, trace } from '@opentelemetry/api'
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace'
import { Agent, request } from 'undici'
import { describe, expect, it, onTestFinished } from 'vitest'
import { tracer } from '../../../core/context/tracer.ts'
import { withContext } from '../../../core/context/with-context.ts'
import { shield } from '../../../core/shield.ts'
import { resilientFetch } from '../../../http/resilient-fetch.ts'
import { closedOrigin, retryOnce, serve } from '../../../http/test/setup.ts'
import { hedge } from '../../../policies/hedge/hedge.ts'
import { timeout } from '../../../policies/timeout/timeout.ts'
import { resilience } from '../../../undici/resilience.ts'
import { resilientRequest } from '../../../undici/resilient-request.ts'
import { CALLER_SPAN_ID, endedSpans, RPC_METADATA, startTraces, suppressed, TRACE_ID, TRACEPARENT } from './setup.ts'

/** A client of any kind: sends a request and reads the answer. */
type Send = (url: string, headers?: Record<string, string>) => Promise<{ status: number; text: string }>

type Policies = Parameters<typeof resilientFetch>[0]['shield']

const CLIENTS: Readonly<Record<string, (policies: Policies, template?: (url: URL) => string) => Send>> = {
  resilientFetch: (policies, template) => {
    const send = resilientFetch({ name: 'inventory', shield: policies, ...(template && { template }) } as never)
    return async (url, headers = {}) => {
      const response = await send(url, { headers })
      return { status: response.status, text: await response.text() }
    }
  },
  resilientRequest: (policies, template) => {
    const dispatcher = new Agent()
    onTestFinished(() => dispatcher.close())
    const send = resilientRequest({ name: 'x', shield: policies, dispatcher, ...(template && { template }) } as never)
    return async (url, headers = {}) => {
      const { statusCode, body } = await send(url, { headers })
      return { status: statusCode, text: await body.text() }
    }
  },
  resilience: (policies, template) => {
    const agent = new Agent()
    onTestFinished(() => agent.close())
    const options = { name: 'x', shield: policies, ...(template && { template }) } as never
    const dispatcher = agent.compose(resilience(options))
    return async (url, headers = {}) => {
      const { statusCode, body } = await request(url, { dispatcher, headers })
      return { status: statusCode, text: await body.text() }
    }
  },
}

const spanIdOf = ({ traceparent }: IncomingHttpHeaders) => String(traceparent).split('-')[2]
const traceIdOf = ({ traceparent }: IncomingHttpHeaders) => String(traceparent).split('-')[1]

/** A dependency that answers with these statuses, then 200, and keeps the headers that it got. */
async function dependency(...statuses: number[]) {
  const received: IncomingHttpHeaders[] = []
  const origin = await serve((incoming, response) => {
    received.push(incoming.headers)
    response.writeHead(statuses.shift() ?? 200).end('42')
  })
  return { origin, received }
}

describe.each(Object.entries(CLIENTS))('the spans of %s', (_name, makeClient) => {
  it('are one for each attempt, each the parent of what the dependency does', async () => {
    const sdk = startTraces()
    const { origin, received } = await dependency(503)
    const send = makeClient(shield('inventory', retryOnce()))
    const { status, text } = await withContext({ traceparent: TRACEPARENT }, () => send(`${origin}/stock?key=secret#x`))
    expect([status, text]).toEqual([200, '42'])
    const spans = await endedSpans(sdk, 'client', 2)
    const work = sdk.spans().find(({ name }) => name === 'work')
    expect(spans.map(({ spanId }) => spanId)).toEqual(received.map(spanIdOf))
    const attributes = {
      'http.request.method': 'GET',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(origin).port),
      'url.full': `${origin}/stock`,
    }
    expect(spans).toMatchObject([
      { name: 'GET', traceId: TRACE_ID, parentSpanId: work?.spanId, status: 'error' },
      { name: 'GET', traceId: TRACE_ID, parentSpanId: work?.spanId, status: 'unset' },
    ])
    expect(spans.map((span) => span.attributes)).toEqual([
      { ...attributes, 'http.response.status_code': 503, 'error.type': '503' },
      { ...attributes, 'http.response.status_code': 200, 'http.request.resend_count': 1 },
    ])
  })

  it('have the active span of the program as parent, also after a retry', async () => {
    const sdk = startTraces()
    const { origin, received } = await dependency(503)
    const send = makeClient(shield('inventory', retryOnce()))
    await trace.getTracer('shop').startActiveSpan('report', async (span) => {
      await send(origin)
      span.end()
    })
    const [report] = sdk.spansOf('internal')
    const spans = await endedSpans(sdk, 'client', 2)
    expect(spans.map(({ parentSpanId }) => parentSpanId)).toEqual([report?.spanId, report?.spanId])
    expect(received.map(traceIdOf)).toEqual([report?.traceId, report?.traceId])
    expect(report?.events).toMatchObject([{ name: 'escudo.retry.attempt' }])
  })

  it('begin a trace outside any request', async () => {
    const sdk = startTraces()
    const { origin, received } = await dependency()
    await makeClient(shield('inventory', retryOnce()))(origin)
    const [span] = await endedSpans(sdk, 'client', 1)
    expect(span?.parentSpanId).toBeUndefined()
    expect(received.map(spanIdOf)).toEqual([span?.spanId])
  })

  it('record a refused connection as an exception', async () => {
    const sdk = startTraces()
    const origin = await closedOrigin()
    await expect(makeClient(shield('inventory', timeout('2s')))(`${origin}/a?token=secret`)).rejects.toThrow()
    const [span] = await endedSpans(sdk, 'client', 1)
    expect(span).toMatchObject({ status: 'error', attributes: { 'error.type': 'refused' } })
    expect(span?.attributes).not.toHaveProperty('http.response.status_code')
    expect(span?.events).toMatchObject([{ name: 'exception' }])
    expect(span?.events[0]?.attributes['exception.message']).toContain('ECONNREFUSED')
    expect(JSON.stringify(span)).not.toContain('secret')
  })

  it('end with a timeout as an error', async () => {
    const sdk = startTraces()
    const origin = await serve(() => {})
    await trace.getTracer('shop').startActiveSpan('report', async (report) => {
      await expect(makeClient(shield('inventory', timeout('30ms')))(origin)).rejects.toThrow()
      report.end()
    })
    const [span] = await endedSpans(sdk, 'client', 1)
    expect(span).toMatchObject({ status: 'error', attributes: { 'error.type': 'timeout' } })
    expect(sdk.spansOf('internal')).toMatchObject([
      { events: [{ name: 'escudo.timeout', attributes: { 'escudo.shield': 'inventory', 'escudo.after_ms': 30 } }] },
    ])
  })

  it('has no error if a hedge was faster', async () => {
    const sdk = startTraces()
    let calls = 0
    const origin = await serve((_, response) => {
      calls += 1
      if (calls > 1) response.end('42')
    })
    await makeClient(shield('inventory', hedge({ after: 20 })))(origin)
    const spans = await endedSpans(sdk, 'client', 2)
    const [lost] = spans.filter(({ attributes }) => attributes['http.request.resend_count'] === undefined)
    const [won] = spans.filter(({ attributes }) => attributes['http.request.resend_count'] === 1)
    expect(lost).toMatchObject({ status: 'unset', attributes: { 'error.type': 'aborted' } })
    expect(won).toMatchObject({ status: 'unset', attributes: { 'http.response.status_code': 200 } })
  })

  it('has the template of the client in its name', async () => {
    const sdk = startTraces()
    const { origin } = await dependency()
    await makeClient(shield('inventory', retryOnce()), () => '/stock/:id')(`${origin}/stock/9`)
    expect(await endedSpans(sdk, 'client', 1)).toMatchObject([
      { name: 'GET /stock/:id', attributes: { 'url.template': '/stock/:id', 'url.full': `${origin}/stock/9` } },
    ])
  })

  it('have no secret of the path, and no attribute without a bound', async () => {
    const sdk = startTraces()
    const { origin } = await dependency()
    const send = makeClient(shield('inventory', retryOnce()))
    await send(`${origin}/reset/token=hunter2/now`)
    await send(`${origin}/${'a'.repeat(9_000)}`)
    const urls = (await endedSpans(sdk, 'client', 2)).map(({ attributes }) => String(attributes['url.full']))
    expect(urls[0]).toBe(`${origin}/reset/token=[redacted]`)
    expect(urls[1]?.startsWith(`${origin}/aaa`)).toBe(true)
    expect(urls[1]?.length).toBeLessThan(2_100)
  })

  it('that are not sampled give their ids to the dependency, without the flag', async () => {
    const sdk = startTraces({ sampler: new AlwaysOffSampler() })
    const { origin, received } = await dependency()
    const send = makeClient(shield('inventory', retryOnce()))
    await withContext({ traceparent: TRACEPARENT }, () => send(origin))
    expect(received[0]?.['traceparent']).toMatch(new RegExp(`^00-${TRACE_ID}-(?!${CALLER_SPAN_ID})[0-9a-f]{16}-00$`))
    expect(sdk.spans()).toEqual([])
  })

  it('do not replace a traceparent that the caller has set', async () => {
    const sdk = startTraces()
    const { origin, received } = await dependency()
    await makeClient(shield('inventory', retryOnce()))(origin, { TraceParent: TRACEPARENT })
    await endedSpans(sdk, 'client', 1)
    expect(received[0]?.['traceparent']).toBe(TRACEPARENT)
  })

  it('do not exist while tracing is suppressed', async () => {
    const sdk = startTraces()
    const { origin } = await dependency(503)
    const send = makeClient(shield('inventory', retryOnce()))
    await withContext({ traceparent: TRACEPARENT }, () => context.with(suppressed(), () => send(origin)))
    await sleep(20)
    expect(sdk.spansOf('client')).toEqual([])
  })
})

describe('an attempt', () => {
  it('of an unknown method has its text within a bound; QUERY is a known method', async () => {
    const sdk = startTraces()
    const send = resilientFetch({ name: 'x', fetch: async () => new Response('42') })
    for (const method of ['X'.repeat(9_000), 'QUERY']) await (await send('http://a.test/', { method })).text()
    const [unknown, query] = await endedSpans(sdk, 'client', 2)
    expect(unknown).toMatchObject({ name: 'HTTP', attributes: { 'http.request.method': '_OTHER' } })
    expect(String(unknown?.attributes['http.request.method_original']).length).toBeLessThan(70)
    expect(query).toMatchObject({ name: 'QUERY', attributes: { 'http.request.method': 'QUERY' } })
  })

  it('has no address if its dispatcher does not tell one', async () => {
    const sdk = startTraces()
    const url = new URL('/a', 'unknown:/')
    tracer
      ?.send({ method: 'GET', url, template: undefined, attempt: 1 }, undefined)
      ?.end({ status: 200, errorType: undefined })
    const [span] = await endedSpans(sdk, 'client', 1)
    expect(span?.attributes).toEqual({ 'http.request.method': 'GET', 'http.response.status_code': 200 })
  })

  it('of a hedge has no span if tracing was suppressed when its call began', async () => {
    const sdk = startTraces()
    let calls = 0
    const origin = await serve((_, response) => {
      calls += 1
      if (calls > 2) response.end('42')
    })
    const send = resilientFetch({ name: 'x', shield: shield('inventory', hedge({ after: 20 })) })
    const read = async () => (await send(origin)).text()
    // Its timer is that of the other call, too.
    const traced = withContext({ traceparent: TRACEPARENT }, read)
    await Promise.all([traced, withContext({}, () => context.with(suppressed(), read))])
    const spans = await endedSpans(sdk, 'client', 2)
    expect(spans.map(({ traceId }) => traceId)).toEqual([TRACE_ID, TRACE_ID])
  })

  it('hides the request around it from instrumentations inside a custom fetch', async () => {
    startTraces()
    let seen: unknown = 'not called'
    const fetch = async () => {
      seen = context.active().getValue(RPC_METADATA)
      return new Response('42')
    }
    await trace
      .getTracer('shop')
      .startActiveSpan('outer', (outer) =>
        context.with(context.active().setValue(RPC_METADATA, { span: outer }), async () =>
          (await resilientFetch({ name: 'x', fetch })('http://a.test/')).text(),
        ),
      )
    expect(seen).toBeUndefined()
  })

  it('whose fetch throws synchronously ends its span', async () => {
    const sdk = startTraces()
    const send = resilientFetch({
      name: 'x',
      shield: false,
      fetch: () => {
        throw new TypeError('no network')
      },
    })
    await expect(send('http://a.test/')).rejects.toThrow()
    expect(await endedSpans(sdk, 'client', 1)).toMatchObject([{ status: 'error', events: [{ name: 'exception' }] }])
  })

  it('is not sent with the traceparent of its span if the client propagates none', async () => {
    const sdk = startTraces()
    const { origin, received } = await dependency()
    const send = resilientFetch({ name: 'x', propagate: { traceparent: false } })
    await (await send(origin)).text()
    await endedSpans(sdk, 'client', 1)
    expect(received[0]).not.toHaveProperty('traceparent')
  })

  it('ends with its body, and fails with it', async () => {
    const sdk = startTraces()
    const origin = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '10' })
      response.write('12345')
      setTimeout(() => response.destroy(), 20)
    })
    const response = await resilientFetch({ name: 'x' })(origin)
    expect(sdk.spans()).toEqual([])
    await expect(response.text()).rejects.toThrow()
    expect(await endedSpans(sdk, 'client', 1)).toMatchObject([
      { status: 'error', attributes: { 'http.response.status_code': 200, 'error.type': expect.any(String) } },
    ])
  })

  it('counts the attempts of a retry around the client', async () => {
    const sdk = startTraces()
    const { origin } = await dependency(503)
    const send = resilientFetch({ name: 'x', shield: shield('inner', timeout('2s')), errors: 'throw' })
    const outer = shield('outer', retryOnce())
    await outer.run(async ({ signal }) => await (await send(origin, { signal })).text())
    const counts = (await endedSpans(sdk, 'client', 2)).map(({ attributes }) => attributes['http.request.resend_count'])
    expect(counts).toEqual([undefined, 1])
  })

  it('runs a custom fetch inside its span, in the context of its caller', async () => {
    const sdk = startTraces()
    const key = createContextKey('key of the program')
    let seen: unknown
    const send = resilientFetch({
      name: 'x',
      fetch: async () => {
        await sleep(1)
        seen = [trace.getActiveSpan()?.spanContext().spanId, context.active().getValue(key)]
        return new Response('42')
      },
    })
    const tracer = trace.getTracer('shop')
    await context.with(context.active().setValue(key, 'value'), () =>
      tracer.startActiveSpan('report', async (report) => {
        await (await send('http://inventory.test/')).text()
        report.end()
      }),
    )
    const [span] = await endedSpans(sdk, 'client', 1)
    expect(seen).toEqual([span?.spanId, 'value'])
  })

  it('has one span if the fetch of its client is a resilient one, too', async () => {
    const sdk = startTraces()
    const { origin, received } = await dependency()
    const inner = resilientFetch({ name: 'inner' })
    const outer = resilientFetch({ name: 'outer', fetch: inner })
    await (await outer(origin)).text()
    const [span] = await endedSpans(sdk, 'client', 1)
    expect(received.map(spanIdOf)).toEqual([span?.spanId])
  })

  it('sends the tracestate of its trace to its own origin', async () => {
    const sdk = startTraces()
    const { origin, received } = await dependency()
    const send = resilientFetch({ name: 'x', baseUrl: origin })
    const carrier = { traceparent: TRACEPARENT, tracestate: 'vendor=1', baggage: 'tenant=42' }
    await withContext(carrier, async () => await (await send('/')).text())
    await endedSpans(sdk, 'client', 1)
    expect(received[0]).toMatchObject({ tracestate: 'vendor=1', baggage: 'tenant=42' })
    expect(propagation.getActiveBaggage()).toBeUndefined()
  })
})
