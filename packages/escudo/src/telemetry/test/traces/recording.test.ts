import { once } from 'node:events'
import { context, propagation, trace } from '@opentelemetry/api'
import { describe, expect, it, onTestFinished } from 'vitest'
import { withContext } from '../../../core/context/with-context.ts'
import { resilientFetch } from '../../../http/resilient-fetch.ts'
import { serve } from '../../../http/test/setup.ts'
import { serverPerTest } from '../../../server/fastify/test/setup.ts'
import { recordTraces } from '../../otel.ts'
import { CALLER_SPAN_ID, endedSpans, startTraces, TRACE_ID, TRACEPARENT } from './setup.ts'

const serveApp = serverPerTest()

/** Ends what `sdk.start()` has set for the process. */
function disableApi(): void {
  for (const api of [trace, context, propagation]) api.disable()
}

describe('recordTraces', () => {
  it('makes spans as soon as the SDK has started, also if it starts last', () => {
    onTestFinished(recordTraces())
    withContext({}, () => {}, { name: 'before' })
    const sdk = startTraces({ record: false })
    withContext({}, () => {}, { name: 'after' })
    expect(sdk.spans().map(({ name }) => name)).toEqual(['after'])
  })

  it('makes spans with a second SDK that replaces the first one', () => {
    onTestFinished(recordTraces())
    const first = startTraces({ record: false })
    withContext({}, () => {}, { name: 'one' })
    disableApi()
    withContext({}, () => {}, { name: 'none' })
    const second = startTraces({ record: false })
    withContext({}, () => {}, { name: 'two' })
    expect([first, second].map((sdk) => sdk.spans().map(({ name }) => name))).toEqual([['one'], ['two']])
  })

  it('ends the spans of running requests and attempts after it has stopped, and makes no others', async () => {
    const sdk = startTraces()
    const requests: (() => void)[] = []
    const dependency = await serve((_, response) => void requests.push(() => response.end('42')))
    const { port, app } = await serveApp((server) => {
      const send = resilientFetch({ name: 'x' })
      server.get('/', async () => (await send(dependency)).text())
    })
    const answer = fetch(`http://127.0.0.1:${port}/`)
    await once(app.server, 'request')
    await expect.poll(() => requests.length).toBe(1)
    sdk.stop()
    requests[0]?.()
    expect(await (await answer).text()).toBe('42')
    const [server] = await endedSpans(sdk, 'server')
    expect(await endedSpans(sdk, 'client')).toMatchObject([{ parentSpanId: server?.spanId }])
    const later = fetch(`http://127.0.0.1:${port}/`)
    await expect.poll(() => requests.length).toBe(2)
    requests[1]?.()
    await (await later).text()
    expect(sdk.spans()).toHaveLength(2)
  })

  it('makes the attempts of a request from before its start children of the caller', async () => {
    const origin = await serve((_, response) => response.end('42'))
    const sdk = await withContext({ traceparent: TRACEPARENT }, async () => {
      const started = startTraces()
      await (await resilientFetch({ name: 'x' })(origin)).text()
      return started
    })
    expect(await endedSpans(sdk, 'client')).toMatchObject([{ traceId: TRACE_ID, parentSpanId: CALLER_SPAN_ID }])
  })

  it('without an SDK sends the ids of escudo, not those of the caller', async () => {
    onTestFinished(recordTraces())
    const received: unknown[] = []
    const origin = await serve(({ headers }, response) => {
      received.push(headers['traceparent'])
      response.end('42')
    })
    await withContext({ traceparent: TRACEPARENT }, async () => (await resilientFetch({ name: 'x' })(origin)).text())
    expect(received[0]).toMatch(new RegExp(`^00-${TRACE_ID}-(?!${CALLER_SPAN_ID})[0-9a-f]{16}-01$`))
  })
})
