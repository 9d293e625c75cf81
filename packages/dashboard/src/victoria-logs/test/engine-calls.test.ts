import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { UNDECLARED } from '../../lines/reader/line-reader.ts'
import type { CallsAt } from '../../report/calls.ts'
import { createDashboard } from '../../server/server.ts'
import type { View } from '../../source/source.ts'
import { freePort } from '../../test/setup.ts'
import { EngineError } from '../engine-error.ts'
import type { Row } from '../engine-rows.ts'
import { VictoriaLogs } from '../victoria-logs.ts'

const NOW = Date.parse('2026-11-28T14:00:30Z')
const NEVER = new AbortController().signal

let server: Server
let url = ''
/** Answers the question for the newest requests. */
let answer: (response: ServerResponse, query: string, body: URLSearchParams) => void
const asked: URLSearchParams[] = []
const dashboards: Server[] = []
beforeEach(async () => {
  asked.length = 0
  server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk
    })
    request.on('end', () => {
      const body = new URLSearchParams(text)
      const query = body.get('query') ?? ''
      if (query.includes('max(_time) as newest')) response.end(`{"newest":"${new Date(NOW - 1_000).toISOString()}"}`)
      else if (!query.includes('| fields _time, ')) response.end('')
      else {
        asked.push(body)
        answer(response, query, body)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  vi.useRealTimers()
  for (const one of [server, ...dashboards.splice(0)]) {
    one.closeAllConnections()
    await new Promise((resolve) => one.close(resolve))
  }
})

const engine = (clock = (): number => NOW): VictoriaLogs => new VictoriaLogs({ url, headers: {} }, UNDECLARED, clock)
const ask = (view: View = 900): Promise<CallsAt> => engine().calls(view, NEVER)

const send = (rows: readonly Row[]): void => {
  answer = (response) => response.end(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
}

/** A request so many milliseconds ago. */
function row(agoMs: number, fields: Row): Row {
  return { _time: new Date(NOW - agoMs).toISOString(), _msg: 'http.request', status_code: '200', ...fields }
}

/** Calls of the shop to its inventory. */
function calls(count: number, agoMs: number, fields: Row = {}): readonly Row[] {
  return Array.from({ length: count }, (_, at) => [
    row(agoMs - 1, { service: 'shop', span_id: `s${agoMs}-${at}` }),
    row(agoMs, { service: 'inventory', span_id: `i${agoMs}-${at}`, parent_span_id: `s${agoMs}-${at}`, ...fields }),
  ]).flat()
}

describe('the calls of an engine', () => {
  it('are found in the newest requests of the range, with the needed fields only', async () => {
    send(calls(10, 5_000))
    const { at, calls: found, sample } = await ask()
    expect(found).toMatchObject([{ from: 'shop', to: 'inventory', known_by: 'span', calls: 10, failures: 0 }])
    expect(at).toBe(new Date(NOW).toISOString())
    expect(sample).toEqual({
      ...{ requests: 20, is_whole: true, is_partial: false },
      ...{ from: '2026-11-28T13:45:35.000Z', to: '2026-11-28T14:00:30.000Z' },
    })
    const [body] = asked
    expect(body?.get('limit')).toBe('20000')
    expect(body?.get('timeout')).toBe('10s')
    // A line that is ahead by up to five seconds belongs to now.
    expect(body?.get('query')).toContain('_time:[2026-11-28T13:45:35.000Z, 2026-11-28T14:00:35.001Z)')
    const [, fields = ''] = /\| fields ([^|]+) \|/.exec(body?.get('query') ?? '') ?? []
    expect(fields.split(', ').sort()).toEqual(
      [
        ...['"latency_ms"', '"method"', '"parent_span_id"', '"path"', '"route"', '"service"', '"span_id"'],
        ...['"status_code"', '"trace_id"', '_msg', '_time', 'event'],
      ].sort(),
    )
  })

  it('say since when all requests were read, if there were more: rates are of that time', async () => {
    send([...calls(9_995, 10_000), ...calls(5, 20_000, { status_code: '503' })])
    const { calls: found, sample } = await ask()
    expect(sample).toMatchObject({ requests: 20_000, is_whole: false, from: new Date(NOW - 20_000).toISOString() })
    expect(found).toMatchObject([{ calls: 10_000, failures: 5, seconds: 20 }])
  })

  it('do without what has no time, and with numbers that are none', async () => {
    const { _time: _, ...untimed } = row(5_000, { service: 'a', span_id: 'x', parent_span_id: 's5000-0' })
    const odd = { status_code: 'NaN', latency_ms: 'Infinity', route: '', path: '-1' }
    send([untimed as Row, ...calls(2, 5_000, odd), row(4_000, { parent_span_id: 's5000-1', service: '' })])
    const { calls: found } = await ask()
    expect(found.map(({ to, calls: count, failures }) => [to, count, failures])).toEqual([
      ['inventory', 2, 0],
      ['unknown', 1, 0],
    ])
  })

  it('of a range that was chosen in a chart are those of its end', async () => {
    const [from, to] = [NOW - 600_000, NOW - 300_000]
    send(calls(4, 310_000))
    const { at, calls: found, sample } = await ask({ from, to })
    expect(asked[0]?.get('query')).toContain('_time:[2026-11-28T13:50:30.000Z, 2026-11-28T13:55:30.000Z)')
    expect(at).toBe('2026-11-28T13:55:30.000Z')
    expect(found).toMatchObject([{ calls: 4, seconds: 90, state: 'healthy' }])
    expect(sample).toMatchObject({ from: '2026-11-28T13:50:30.000Z', to: '2026-11-28T13:55:30.000Z' })
  })

  it('leave out health checks', async () => {
    send(calls(3, 5_000, { path: '/healthz?full=1' }))
    expect((await ask()).calls).toEqual([])
  })
})

describe('a map that cannot be made', () => {
  it.each([
    [401, '', 'refused'],
    [429, 'too many', 'busy'],
    [400, 'unknown pipe', 'old'],
    [200, '<html>', 'not-victorialogs'],
    [200, '{"_time":"yesterday"}', 'failed'],
    [200, '{"_time":1}', 'not-victorialogs'],
    [200, '{"a":"1"}\ncannot read the next block\n', 'failed'],
  ])('says why: %i %s', async (status, body, trouble) => {
    answer = (response) => response.writeHead(status).end(body)
    const error = await ask().catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(EngineError)
    expect(error).toMatchObject({ trouble })
  })

  it('does not take more than a bounded answer', async () => {
    const path = 'x'.repeat(16_000)
    let sent = 0
    answer = (response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(`${JSON.stringify(row(1, { path }))}\n`)) sent += path.length
      }
      response.on('drain', more)
      more()
    }
    await expect(ask()).rejects.toThrow('sent more than this page can take')
    expect(sent).toBeLessThan(64 * 1_048_576)
  })
})

describe('the question for calls', () => {
  it('is asked for all pages once, and ends on the wire when the last of them leaves', async () => {
    let isEnded = false
    let isAsked = (): void => {}
    const reached = new Promise<void>((resolve) => {
      isAsked = resolve
    })
    answer = (response) => {
      response.on('close', () => {
        isEnded = true
      })
      isAsked()
    }
    const source = engine()
    const [first, second] = [new AbortController(), new AbortController()]
    const pages = [source.calls(900, first.signal), source.calls(900, second.signal)]
    await reached
    first.abort(new Error('left'))
    await expect(pages[0]).rejects.toThrow('left')
    expect(isEnded).toBe(false)
    second.abort(new Error('left'))
    await expect(pages[1]).rejects.toThrow('left')
    await expect.poll(() => isEnded).toBe(true)
    expect(asked).toHaveLength(1)
    // The permit is free again.
    send([])
    expect((await source.calls(900, NEVER)).calls).toEqual([])
  })

  it('is asked every five seconds at most, and once a minute for a range that has ended', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    send([])
    const source = engine()
    const past = { from: NOW - 900_000, to: NOW - 300_000 }
    for (const [view, seconds] of [
      [900, 5],
      [past, 60],
    ] as const) {
      asked.length = 0
      await source.calls(view, NEVER)
      vi.advanceTimersByTime(seconds * 1_000 - 1)
      await source.calls(view, NEVER)
      expect(asked).toHaveLength(1)
      vi.advanceTimersByTime(2)
      await source.calls(view, NEVER)
      expect(asked).toHaveLength(2)
    }
  })

  it('ends when the client of /api/map disconnects', async () => {
    let isEnded = false
    const abort = new AbortController()
    answer = (response) => {
      response.on('close', () => {
        isEnded = true
      })
      abort.abort()
    }
    const port = await freePort()
    const dashboard = await createDashboard(engine(), port)
    dashboards.push(dashboard)
    dashboard.listen(port, '127.0.0.1')
    await once(dashboard, 'listening')
    const path = `http://127.0.0.1:${port}/api/map`
    await expect(fetch(path, { signal: abort.signal })).rejects.toThrow()
    await expect.poll(() => isEnded).toBe(true)
    answer = (response) => response.writeHead(401).end()
    expect((await fetch(path)).status).toBe(502)
  })
})
