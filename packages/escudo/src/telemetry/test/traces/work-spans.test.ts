import { setTimeout as sleep } from 'node:timers/promises'
import { context, SpanKind, trace } from '@opentelemetry/api'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ambient } from '../../../core/context/ambient.ts'
import { contextHeaders, withContext } from '../../../core/context/with-context.ts'
import { shield } from '../../../core/shield.ts'
import { fallback } from '../../../policies/fallback/fallback.ts'
import { Errors } from '../../../server/fastify/test/setup.ts'
import { recordTraces } from '../../otel.ts'
import { ended, run } from '../file-setup.ts'
import { CALLER_SPAN_ID, startTraces, suppressed, TRACE_ID, TRACEPARENT } from './setup.ts'

const activeSpanId = () => trace.getActiveSpan()?.spanContext().spanId

describe('the span of withContext', () => {
  it('continues the trace of a message, and is the active one in all that it starts', async () => {
    const sdk = startTraces()
    const seen: unknown[] = []
    const note = () => seen.push(activeSpanId(), ambient()?.spanId)
    const run = async () => {
      note()
      await sleep(1)
      note()
      setTimeout(note, 1)
      await sleep(5)
    }
    await withContext({ traceparent: TRACEPARENT }, run, { name: 'process orders' })
    const [span] = sdk.spans()
    expect(sdk.spans()).toMatchObject([
      { kind: 'consumer', name: 'process orders', traceId: TRACE_ID, parentSpanId: CALLER_SPAN_ID, status: 'unset' },
    ])
    expect(seen).toEqual(Array(6).fill(span?.spanId))
  })

  it('starts a trace for a job, and ends when synchronous work returns', () => {
    const sdk = startTraces()
    const id = withContext({}, () => ambient()?.traceId)
    expect(sdk.spans()).toMatchObject([{ kind: 'internal', name: 'work', traceId: id }])
    expect(sdk.spans()[0]?.parentSpanId).toBeUndefined()
  })

  it('records a technical error, and no business error', async () => {
    const sdk = startTraces()
    const failing = withContext({}, () => Promise.reject(new TypeError('a bug')))
    await expect(failing).rejects.toThrow('a bug')
    expect(() => withContext({}, () => JSON.parse('{'))).toThrow(SyntaxError)
    const business = new Errors.ITEM_NOT_FOUND({ recurso: 'Item', id: '9' })
    await expect(withContext({}, () => Promise.reject(business))).rejects.toBe(business)
    expect(sdk.spans()).toMatchObject([
      { status: 'error', attributes: { 'error.type': 'TypeError' }, events: [{ name: 'exception' }] },
      { status: 'error', attributes: { 'error.type': 'SyntaxError' }, events: [{ name: 'exception' }] },
      { status: 'unset', attributes: {}, events: [] },
    ])
  })

  it('does not hide a rejection that nothing handles', async () => {
    const child = run(`
      import { TracerProvider } from '@opentelemetry/sdk-trace'
      import { recordTraces } from ${JSON.stringify(new URL('../../otel.ts', import.meta.url).href)}
      import { withContext } from ${JSON.stringify(new URL('../../../index.ts', import.meta.url).href)}
      recordTraces({ tracerProvider: new TracerProvider() })
      void withContext({}, async () => { throw new Error('lost') })
      setTimeout(() => {}, 1_000)`)
    const { code, errors } = await ended(child)
    expect(errors).toContain('Error: lost')
    expect(code).toBe(1)
  })

  it('returns a promise with further properties itself', () => {
    const sdk = startTraces()
    const job = Object.assign(Promise.resolve(42), { cancel: () => {} })
    expect(withContext({}, () => job)).toBe(job)
    expect(sdk.spans()).toHaveLength(1)
  })

  it('is a new one for a message from the same process, and the child of its sender', () => {
    const sdk = startTraces()
    withContext({ traceparent: TRACEPARENT }, () => {
      trace.getTracer('shop').startActiveSpan('publish', (span) => {
        withContext(contextHeaders(), () => {}, { name: 'consume' })
        span.end()
      })
    })
    const [consume, publish] = sdk.spans()
    expect(consume).toMatchObject({ kind: 'consumer', name: 'consume', parentSpanId: publish?.spanId })
  })

  it('does not exist while tracing is suppressed', () => {
    const sdk = startTraces()
    expect(context.with(suppressed(), () => withContext({ traceparent: TRACEPARENT }, () => ambient()?.traceId))).toBe(
      TRACE_ID,
    )
    expect(sdk.spans()).toEqual([])
  })

  it('gets the events of policies also without a context manager', async () => {
    const exporter = new InMemorySpanExporter()
    const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
    onTestFinished(recordTraces({ tracerProvider }))
    await withContext({}, () => shield('inventory', fallback(42)).run(() => Promise.reject(new Error('down'))))
    const [span] = exporter.getFinishedSpans()
    expect(span?.events.map(({ name }) => name)).toEqual(['escudo.fallback'])
  })

  it('does not start a lazy thenable', () => {
    startTraces()
    let started = 0
    const lazy = {
      then: () => {
        started += 1
      },
    }
    expect(withContext({}, () => lazy)).toBe(lazy)
    expect(started).toBe(0)
  })

  it('is that of an instrumentation, if it has started one for the message', async () => {
    const sdk = startTraces()
    await trace.getTracer('queue').startActiveSpan('process', { kind: SpanKind.CONSUMER }, async (span) => {
      await withContext({}, async () => {
        await sleep(1)
        expect([activeSpanId(), ambient()?.spanId]).toEqual(Array(2).fill(span.spanContext().spanId))
      })
      span.end()
    })
    expect(sdk.spans()).toMatchObject([{ name: 'process' }])
  })

  it('is the parent in contextHeaders, or else the span of the program inside it', () => {
    startTraces()
    withContext({ traceparent: TRACEPARENT }, () => {
      expect(contextHeaders()['traceparent']).toBe(`00-${TRACE_ID}-${activeSpanId()}-01`)
      trace.getTracer('shop').startActiveSpan('publish', (span) => {
        expect(contextHeaders()['traceparent']).toBe(`00-${TRACE_ID}-${span.spanContext().spanId}-01`)
        span.end()
      })
    })
  })

  it('has a name of 1 to 100 characters', () => {
    expect(() => withContext({}, () => 1, { name: '' })).toThrow('withContext.name')
  })
})
