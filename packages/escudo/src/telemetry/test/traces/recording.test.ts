import { once } from 'node:events'
import { context, propagation, trace } from '@opentelemetry/api'
import { describe, expect, it, onTestFinished } from 'vitest'
import { withContext } from '../../../core/context/with-context.ts'
import { resilientFetch } from '../../../http/resilient-fetch.ts'
import { serve } from '../../../http/test/setup.ts'
import { serverPerTest } from '../../../server/fastify/test/setup.ts'
import { recordTraces } from '../../otel.ts'
import { endedSpans, startTraces } from './setup.ts'

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
})
