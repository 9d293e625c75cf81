import { type IncomingMessage, request, type Server } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { createDashboard } from '../../server/server.ts'
import { freePort } from '../../test/setup.ts'
import type { Found, StreamedSearch } from '../search-server.ts'
import { type History, historyOf, requestLine } from './setup.ts'

let history: History
let server: Server
let port: number

afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await history.remove()
})

async function serve(lines: readonly string[]): Promise<void> {
  history = await historyOf({ 'shop.log': lines.join('') })
  port = await freePort()
  server = await createDashboard(history.files, port)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
}

function requests(count: number): readonly string[] {
  const start = Date.parse('2026-11-28T14:00:00.000Z')
  return Array.from({ length: count }, (_, index) =>
    requestLine({ timestamp: new Date(start + index * 1_000).toISOString(), trace_id: `t${index}`, latency_ms: index }),
  )
}

function search(query: string, path = '/api/search'): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}?${query}`)
}

async function found(query: string): Promise<Found> {
  return (await (await search(query)).json()) as Found
}

/** Opens a search that finds nothing, and does not read its answer to the end. */
async function slowSearch(): Promise<() => void> {
  const outgoing = request({ host: '127.0.0.1', port, path: '/api/search/stream?q=latency:%3E1h' })
  outgoing.on('error', () => {})
  const answer = new Promise<IncomingMessage>((resolve) => outgoing.on('response', resolve))
  outgoing.end()
  void answer.then((response) => response.resume().on('error', () => {}))
  return () => outgoing.destroy()
}

describe('GET /api/search', () => {
  it('returns what lines say, and a cursor that continues, also when it is asked again', async () => {
    await serve(requests(5))
    const first = await found('q=status:200+latency:%3E0&limit=3')
    expect(first.lines[0]).toMatchObject({
      at: '2026-11-28T14:00:04.000Z',
      service: 'shop',
      level: 'info',
      status: 200,
      latency_ms: 4,
      trace_id: 't4',
      path: '/',
      message: null,
    })
    for (let again = 0; again < 2; again += 1) {
      const more = await found(`cursor=${first.next}&limit=3`)
      expect(more).toMatchObject({ lines: [{ trace_id: 't1' }], next: null, is_partial: false })
    }
    const between = await found('q=shop&from=2026-11-28T14:00:01Z&to=2026-11-28T14:00:03Z')
    expect(between.lines.map(({ trace_id }) => trace_id)).toEqual(['t2', 't1'])
    const line = await fetch(`http://127.0.0.1:${port}/api/lines/${first.lines[2]?.place}`)
    expect(await line.json()).toMatchObject({ line: { trace_id: 't2' } })
  })

  it('refuses a senseless query with a sentence, and survives hostile ones', async () => {
    await serve(requests(3))
    for (const query of [
      'q=%22open',
      'q=status%3E%3Dhigh',
      'q=from:tomorrow',
      'q=from:5m+to:10m',
      `q=${'a+'.repeat(40)}`,
      `q=${'x'.repeat(5_000)}`,
      'limit=0',
      'limit=501',
      'q=a&from=later',
      'from=2026-11-28T14:00:01Z&to=2026-11-28T14:00:00Z',
      'limit=1e2',
      'q=a&limit=-1',
      'cursor=unknown',
    ]) {
      const response = await search(query)
      expect([query, response.status]).toEqual([query, 400])
      expect(((await response.json()) as { message: string }).message.length).toBeGreaterThan(10)
      expect((await search(query, '/api/search/stream')).status).toBe(400)
    }
    for (const hostile of [
      '%00',
      '%FF%FE',
      '((a%2B)%2B)%2B%24',
      '%5Cu0000',
      '%',
      '__proto__:x',
      'constructor:x',
      '.*',
      '[',
      '-',
    ])
      expect([hostile, (await search(`q=${hostile}`)).status]).toEqual([hostile, 200])
    // A query may hold question marks.
    expect((await found('q=what?&limit=3')).lines).toEqual([])
    expect((await found('q=t1?')).lines).toEqual([])
  })

  it('streams lines, progress and the end as lines of JSON', async () => {
    await serve(requests(500))
    const response = await search('q=latency:%3C20&limit=7', '/api/search/stream')
    expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8')
    const messages = (await response.text())
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as StreamedSearch)
    expect(
      messages.flatMap((message) => ('lines' in message ? message.lines : [])).map((line) => line.trace_id),
    ).toEqual(Array.from({ length: 7 }, (_, index) => `t${19 - index}`))
    expect(messages.some((message) => 'progress' in message && message.progress.all > 0)).toBe(true)
    expect(messages.at(-1)).toMatchObject({ end: { next: expect.any(String), is_partial: false } })
  })

  it('runs two searches, queues some, refuses more, and ends those whose client disconnects', async () => {
    const block = requests(2_000).join('')
    await serve(Array.from({ length: 150 }, () => block))
    const ends = await Promise.all(Array.from({ length: 12 }, slowSearch))
    await expect.poll(async () => (await search('q=latency:%3E1h')).status, { timeout: 5_000 }).toBe(503)
    const refused = await search('q=x')
    expect(refused.headers.get('retry-after')).toBe('2')
    // Others are answered meanwhile.
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
    for (const end of ends) end()
    // Ten searches to their ends would take far longer.
    await expect.poll(async () => (await search('q=t1999&limit=1')).status, { timeout: 10_000 }).toBe(200)
  }, 30_000)

  it('cancels running and waiting searches when the server closes, so that it can end', async () => {
    const block = requests(2_000).join('')
    await serve(Array.from({ length: 30 }, () => block))
    const streams = await Promise.all([1, 2].map(() => search('q=latency:%3E1h', '/api/search/stream')))
    const read = streams.map((stream) => stream.text().then(String, () => 'broken off'))
    const waiting = search('q=latency:%3E1h').then(({ status }) => status)
    // The third search has come to the server once this one is answered.
    await fetch(`http://127.0.0.1:${port}/healthz`)
    const closed = new Promise((resolve) => server.close(resolve))
    expect(await waiting).toBe(503)
    expect(await Promise.all(read)).toEqual(['broken off', 'broken off'])
    await closed
  }, 30_000)
})
