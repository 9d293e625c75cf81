import type { Span, TracerProvider } from '@opentelemetry/api'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { withContext } from '../../../core/context/with-context.ts'
import { resilientFetch } from '../../../http/resilient-fetch.ts'
import { serve as serveHttp } from '../../../http/test/setup.ts'
import { serverPerTest } from '../../../server/fastify/test/setup.ts'
import { recordTraces } from '../../otel.ts'
import { TRACE_ID, TRACEPARENT } from './setup.ts'

const serve = serverPerTest()

const fail = (): never => {
  throw new Error('a provider with a bug')
}

const IDS = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }

/** A span whose methods work, except the failing ones. */
function faultySpan(failing: readonly string[]): Span {
  const methods = ['setAttribute', 'setAttributes', 'addEvent', 'setStatus', 'updateName', 'end', 'spanContext']
  const span: Record<string, unknown> = { isRecording: failing.includes('isRecording') ? fail : () => true }
  for (const name of methods) span[name] = failing.includes(name) ? fail : () => span
  if (!failing.includes('spanContext')) span['spanContext'] = () => IDS
  return span as unknown as Span
}

const providerOf = (startSpan: () => Span): TracerProvider => ({ getTracer: () => ({ startSpan }) as never })

function record(tracerProvider: TracerProvider): void {
  // The fault is reported once, as a warning.
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const stop = recordTraces({ tracerProvider })
  onTestFinished(() => {
    stop()
    vi.restoreAllMocks()
  })
}

const FAULTS = [['startSpan'], ['spanContext'], ['isRecording'], ['end'], ['setAttribute', 'addEvent', 'setStatus']]

describe.each(FAULTS)('a provider that throws in %s', (...failing) => {
  it('affects neither a request nor a call', async () => {
    record(providerOf(failing.includes('startSpan') ? fail : () => faultySpan(failing)))
    const { port, waitForLines } = await serve((app) => {
      app.get('/', async () => 'ok')
      app.get('/bug', async () => {
        throw new TypeError('a bug')
      })
    })
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200)
    expect((await fetch(`http://127.0.0.1:${port}/bug`)).status).toBe(500)
    await waitForLines('http.request', 2)
    const origin = await serveHttp((_, response) => response.writeHead(404).end('no'))
    const send = resilientFetch({ name: 'x' })
    expect(await (await send(origin)).text()).toBe('no')
  })
})

it('without ids for a span, escudo sends and logs its own', async () => {
  record(providerOf(() => Object.assign(faultySpan([]), { spanContext: () => ({ ...IDS, traceId: '' }) })))
  let received: string | undefined
  const origin = await serveHttp((request, response) => {
    received = request.headers['traceparent'] as string
    response.end('ok')
  })
  const send = resilientFetch({ name: 'x' })
  await withContext({ traceparent: TRACEPARENT }, async () => await (await send(origin)).text())
  expect(received).toContain(TRACE_ID)
})
