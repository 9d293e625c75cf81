import type { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import { describe, expect, test, vi } from 'vitest'
import { shield } from '../../core/shield.ts'
import { impatient, rejectionOf, retryOnce, serve, settled } from '../../http/test/setup.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { type ResilienceOptions, resilience } from '../index.ts'
import { client, testAgent } from './setup.ts'

/** Answers with a 503 whose body comes in two parts. */
async function serveInParts(first: string | Buffer, second: string | Buffer) {
  const finish: (() => void)[] = []
  const origin = await serve((_, response) => {
    response.writeHead(503).write(first)
    finish.push(() => response.end(second))
  })
  const whenAnswered = () => vi.waitUntil(() => finish.length > 0)
  return { origin, whenAnswered, finish: () => finish.shift()?.() }
}

/** Dispatches a GET whose handler writes what happens, and may act at each event. */
function dispatch(
  origin: string,
  act: Partial<Record<string, (controller: Dispatcher.DispatchController) => void>>,
  guarded: ResilienceOptions['shield'] = false,
) {
  const events: string[] = []
  const during = (event: string, controller: Dispatcher.DispatchController): void => {
    events.push(event)
    act[event]?.(controller)
    events.push(`/${event}`)
  }
  const dispatcher = testAgent().compose(resilience({ name: 'x', shield: guarded }))
  dispatcher.dispatch(
    { origin, path: '/', method: 'GET' },
    {
      onRequestStart: () => {},
      onResponseStart: (controller) => during('start', controller),
      onResponseData: (controller, chunk) => during(`data ${chunk}`, controller),
      onResponseEnd: (controller) => during('end', controller),
      onResponseError: (_, error) => void events.push(`error ${error.message}`),
    },
  )
  return events
}

describe('the handler of a failed response', () => {
  test('that resumes inside an event gets the next one after it has returned', async () => {
    const { origin, finish } = await serveInParts('one', 'two')
    let controller: Dispatcher.DispatchController | undefined
    const pauseAndResume = (own: Dispatcher.DispatchController): void => {
      own.pause()
      own.resume()
    }
    const events = dispatch(origin, {
      start: (own) => {
        controller = own
        own.pause()
      },
      'data one': pauseAndResume,
      'data two': pauseAndResume,
    })
    await vi.waitUntil(() => controller !== undefined)
    // While the handler pauses, undici reads no more than what has arrived.
    finish()
    await settled()
    expect(events).toEqual(['start', '/start'])
    controller?.resume()
    await vi.waitUntil(() => events.includes('end'))
    const both = ['start', '/start', 'data one', '/data one', 'data two', '/data two', 'end', '/end']
    expect(events).toEqual(both)
  })

  test('that resumes while the response starts gets the data afterwards', async () => {
    const { origin, finish } = await serveInParts('one', 'two')
    const events = dispatch(origin, {
      start: (own) => {
        own.pause()
        own.resume()
      },
    })
    await vi.waitUntil(() => events.includes('/data one'))
    finish()
    await vi.waitUntil(() => events.includes('/end'))
    expect(events.slice(0, 4)).toEqual(['start', '/start', 'data one', '/data one'])
  })

  test.each([
    ['while the body arrives', false as const],
    ['after the body has arrived', shield('x', timeout('1h'))],
  ])('that aborts %s gets its reason once, also while it pauses', async (_, guarded) => {
    const { origin, whenAnswered, finish } = await serveInParts('one', 'two')
    let controller: Dispatcher.DispatchController | undefined
    const start = (own: Dispatcher.DispatchController): void => {
      controller = own
      own.pause()
    }
    const events = dispatch(origin, { start }, guarded)
    await whenAnswered()
    // With a deadline, the handler gets the response after its body was read.
    if (guarded !== false) finish()
    await vi.waitUntil(() => controller !== undefined)
    controller?.abort(new Error('enough'))
    controller?.resume()
    await settled()
    expect(events).toEqual(['start', '/start', 'error enough'])
  })
})

describe('a failed response that the caller does not receive', () => {
  test('is read for at most one second before its connection closes', async () => {
    const sockets: Socket[] = []
    const origin = await serve((request, response) => {
      sockets.push(request.socket)
      if (sockets.length === 1) response.writeHead(503).write('stalls')
      else response.end('ok')
    })
    const clock = virtualClock()
    const guarded = shield({ name: 'x', clock }, retryOnce())
    const answer = client({ shield: guarded })(origin)
    await vi.waitUntil(() => clock.pending === 1)
    await clock.advance(1)
    expect((await answer).statusCode).toBe(200)
    await clock.advance(999)
    await settled()
    expect(sockets[0]?.destroyed).toBe(false)
    await clock.advance(1)
    await vi.waitUntil(() => sockets[0]?.destroyed === true)
  })

  test('is dropped if a custom policy gave up while its body was read', async () => {
    const { origin, whenAnswered, finish } = await serveInParts('first', Buffer.alloc(100_000))
    const { policy, giveUp } = impatient()
    const dispatcher = testAgent()
    // With a deadline, the policies wait for the body.
    const guarded = shield('x', timeout('1h'), policy)
    const answer = rejectionOf(client({ shield: guarded, dispatcher })(origin))
    await whenAnswered()
    await settled()
    giveUp()
    expect(String(await answer)).toBe('Error: gave up')
    finish()
    // Waits for every response that is not read to its end.
    await dispatcher.close()
  })
})
