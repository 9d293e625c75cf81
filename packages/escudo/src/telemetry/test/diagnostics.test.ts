import { subscribe as listen, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { reportEnd } from '../../core/events/call-events.ts'
import { EVENT_NAMES, EventHub } from '../../core/events/events.ts'
import { watchSent, watchServed } from '../../core/events/http-events.ts'
import { shield } from '../../core/shield.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { fallback } from '../../policies/fallback/fallback.ts'
import { retry } from '../../policies/retry/retry.ts'
import { constant } from '../../policies/retry/state/backoff.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { publishDiagnostics } from '../diagnostics.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

/** Collects the messages of a channel, with its name. */
function messagesOf(...names: readonly string[]): unknown[] {
  const messages: unknown[] = []
  for (const name of names) {
    const listener = (message: unknown): void => void messages.push([name, message])
    listen(name, listener)
    ends.push(() => unsubscribe(name, listener))
  }
  return messages
}

const down = (): Promise<number> => Promise.reject(new Error('down'))

describe('publishDiagnostics', () => {
  test('publishes the events of shields and the ends of calls, until it is stopped', async () => {
    const messages = messagesOf('escudo:retry', 'escudo:executed', 'escudo:fallback', 'escudo:call')
    const stop = publishDiagnostics()
    const clock = virtualClock()
    const guarded = shield({ name: 's', clock }, fallback(0), retry({ maxRetries: 1, backoff: constant(5) }))
    const answer = guarded.run(down)
    await clock.advance(10)
    expect(await answer).toBe(0)
    const error = expect.objectContaining({ message: 'down' })
    const retried = { shield: 's', policy: 'retry' }
    expect(messages).toEqual([
      ['escudo:retry', { type: 'retry', ...retried, attempt: 1, delayMs: 5, error }],
      [
        'escudo:executed',
        {
          type: 'executed',
          ...retried,
          policyType: 'retry',
          outcome: 'failed_with_retry',
          attempts: 2,
          durationMs: 5,
          error,
        },
      ],
      ['escudo:fallback', { type: 'fallback', shield: 's', policy: 'fallback', error }],
      ['escudo:call', { shield: 's', outcome: 'degraded', durationMs: 5 }],
    ])
    stop()
    await guarded.run(() => 1)
    expect(messages).toHaveLength(4)
  })

  test('publishes requests, with one object for the start and the end', () => {
    const messages = messagesOf('escudo:http.server.start', 'escudo:http.server.end', 'escudo:http.client.end')
    ends.push(publishDiagnostics())
    const request = { method: 'GET' }
    const end = {
      durationMs: 1,
      route: '/',
      status: 200,
      errorCode: undefined,
      errorKind: undefined,
      traceId: undefined,
    }
    watchServed(request)?.(end)
    const sent = { method: 'GET', url: new URL('http://a/b') }
    watchSent(sent)?.({ durationMs: 2, status: undefined, errorType: 'dns', traceId: undefined })
    expect(messages).toEqual([
      ['escudo:http.server.start', request],
      ['escudo:http.server.end', { ...end, request }],
      [
        'escudo:http.client.end',
        { durationMs: 2, status: undefined, errorType: 'dns', traceId: undefined, request: sent },
      ],
    ])
    expect((messages[1] as [string, { request: object }])[1].request).toBe((messages[0] as [string, object])[1])
  })

  test('publishes waits', async () => {
    const messages = messagesOf('escudo:wait')
    ends.push(publishDiagnostics())
    const clock = virtualClock()
    const guarded = shield({ name: 's', clock }, bulkhead({ limit: 1, queue: 1 }))
    const { promise, resolve: release } = withResolvers()
    const calls = [guarded.run(() => promise), guarded.run(async () => {})]
    await clock.advance(3)
    release()
    await Promise.all(calls)
    expect(messages).toEqual([
      ['escudo:wait', { shield: 's', policy: 'bulkhead', policyType: 'bulkhead', waitedMs: 3 }],
    ])
  })

  test('publishes each event once if it is called twice, until both are stopped', () => {
    const messages = messagesOf('escudo:call')
    const [first, second] = [publishDiagnostics(), publishDiagnostics()]
    reportEnd('s', 'success', 1)
    first()
    first()
    reportEnd('s', 'success', 2)
    second()
    reportEnd('s', 'success', 3)
    expect(messages).toHaveLength(2)
  })

  test('has a channel for each event', () => {
    const names = EVENT_NAMES.map((name) => `escudo:${name}`)
    const messages = messagesOf(...names)
    ends.push(publishDiagnostics())
    for (const name of EVENT_NAMES) {
      const event = { type: name, shield: 's', policy: 'p' } as never
      if (name === 'executed') new EventHub().emitExecuted(event)
      else new EventHub().emit(name, event)
    }
    expect(messages).toEqual(names.map((name) => [name, expect.objectContaining({ shield: 's' })]))
  })

  test('does nothing in a runtime without diagnostics_channel, and without it no event is built', async () => {
    vi.stubGlobal('process', { ...process, getBuiltinModule: undefined })
    const emit = vi.spyOn(EventHub.prototype, 'emit')
    const emitExecuted = vi.spyOn(EventHub.prototype, 'emitExecuted')
    ends.push(publishDiagnostics())
    await shield('s', retry()).run(() => 1)
    expect(emit).not.toHaveBeenCalled()
    expect(emitExecuted).not.toHaveBeenCalled()
  })
})

function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
