import { connect } from 'node:net'
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { serve, type TestServer } from './setup.ts'

let server: TestServer
beforeAll(async () => {
  server = await serve(
    (app) => {
      app.get('/ok', async () => ({ ok: true }))
      app.get('/slow', async () => {
        await pause(3)
        return { slow: true }
      })
      app.post('/echo', async ({ body }) => body)
      app.get('/bug', async () => {
        throw new Error('bug')
      })
    },
    { bodyLimit: 64 },
  )
})
afterAll(() => server.app.close())

/** A request with the statuses that may answer it. After one that `ends`, the server closes the connection. */
interface Sent {
  readonly bytes: (traceparent: string) => string
  readonly method: string
  readonly statuses: readonly number[]
  readonly ends: boolean
}

const request = (
  line: string,
  statuses: readonly number[],
  fields: readonly string[] = [],
  body = '',
  ends = false,
): Sent => ({
  bytes: (traceparent) =>
    `${[`${line} HTTP/1.1`, 'Host: shop', `traceparent: ${traceparent}`, ...fields].join('\r\n')}\r\n\r\n${body}`,
  method: line.split(' ')[0] ?? '',
  statuses,
  ends,
})
const JSON_TYPE = 'Content-Type: application/json'
const sized = (body: string): string[] => [JSON_TYPE, `Content-Length: ${body.length}`]

const GOOD: readonly Sent[] = [
  request('GET /ok', [200]),
  request('GET /slow', [200]),
  request('HEAD /ok', [200]),
  request('HEAD /nowhere', [404]),
  request('GET /bug', [500]),
  request('GET /nowhere', [404]),
  request('DELETE /ok', [405]),
  request('GET /%zz', [400]),
  request('GET /ok', [417], ['Expect: the-moon']),
  request('GET /ok', [200], ['Upgrade: h2c', 'Connection: upgrade']),
  request('POST /echo', [200], sized('{"a":1}'), '{"a":1}'),
  request('POST /echo', [200], [JSON_TYPE, 'Transfer-Encoding: chunked'], '7\r\n{"a":1}\r\n0\r\n\r\n'),
  request('POST /echo', [400], sized('{"a":'), '{"a":'),
  request('POST /echo', [400], sized('')),
  request('POST /echo', [415], ['Content-Type: text/css', 'Content-Length: 2'], 'xx'),
  request('POST /nowhere', [404], sized('{"a":1}'), '{"a":1}'),
  request('HEAD /ok', [400], ['Host: second']),
]
const LAST: readonly Sent[] = [
  request('GET /ok', [200], ['Connection: close'], '', true),
  request('GET /slow', [200], ['Connection: close'], '', true),
  request('CONNECT x:1', [405], [], '', true),
  request('CONNECT x:1', [405], [], 'bytes of a tunnel', true),
  request('GET /ok', [400], ['X-Bad: a\u0000b'], '', true),
  request('HEAD /ok', [400], ['X-Bad: a\u0000b'], '', true),
  request('POST /echo', [400, 404], [JSON_TYPE, 'Transfer-Encoding: chunked'], 'zz\r\n', true),
  request('POST /nowhere', [404, 400], ['Transfer-Encoding: chunked'], 'zz\r\n', true),
  request('POST /echo', [413], sized('x'.repeat(100)).concat('Connection: close'), 'x'.repeat(100), true),
]
const INCOMPLETE: readonly Sent[] = [
  request('POST /echo', [400], [JSON_TYPE, 'Content-Length: 50'], '{', true),
  request('POST /nowhere', [404, 400], ['Content-Length: 50'], 'x', true),
  { bytes: () => 'GET /ok HTTP/1.1\r\nHost: shop\r\nX-Unfinished: ', method: 'GET', statuses: [400], ends: true },
]

interface Received {
  readonly status: number
  readonly traceId: string | undefined
  readonly closes: boolean
}

/** Reads answers strictly: whole heads, exact lengths, nothing behind the last one. */
function parse(bytes: Buffer, methods: readonly string[], isCut: boolean): readonly Received[] {
  const received: Received[] = []
  for (let rest = bytes; rest.length > 0; ) {
    const end = rest.indexOf('\r\n\r\n')
    expect(end, `no complete head in ${JSON.stringify(rest.toString())}`).toBeGreaterThan(0)
    const [first = '', ...fields] = rest.subarray(0, end).toString('latin1').split('\r\n')
    expect(first).toMatch(/^HTTP\/1\.1 [2-5]\d\d [A-Za-z -]+$/)
    const headers = new Map<string, string>()
    for (const field of fields) {
      const [, name = '', value = ''] = /^([\w-]+): (.*)$/.exec(field) ?? []
      expect(name, field).not.toBe('')
      expect(headers.has(name.toLowerCase()), field).toBe(false)
      headers.set(name.toLowerCase(), value)
    }
    expect(headers.has('transfer-encoding')).toBe(false)
    // Of a head in several pieces, Node reports the last one: the method of an unreadable request is not known then.
    const isUnknown =
      isCut &&
      received.length === methods.length - 1 &&
      rest
        .subarray(end + 4)
        .toString()
        .startsWith('{"trace_id"')
    const hasBody = methods[received.length] !== 'HEAD' || isUnknown
    const length = hasBody ? Number(headers.get('content-length')) : 0
    expect(rest.length - end - 4).toBeGreaterThanOrEqual(length)
    const text = rest.subarray(end + 4, end + 4 + length).toString()
    const status = Number(first.split(' ')[1])
    if (hasBody && status >= 400)
      expect(JSON.parse(text)).toMatchObject({ status_code: status, trace_id: headers.get('x-trace-id') })
    received.push({ status, traceId: headers.get('x-trace-id'), closes: headers.get('connection') === 'close' })
    rest = rest.subarray(end + 4 + length)
  }
  return received
}

/** Sends bytes in pieces and reads until the server closes. */
function exchange(bytes: Buffer, cuts: readonly number[], halfCloses: boolean): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect(server.port, '127.0.0.1', async () => {
      let at = 0
      for (const cut of [
        ...cuts.map((share) => Math.floor((share * bytes.length) / 1_000)).sort((a, b) => a - b),
        bytes.length,
      ]) {
        socket.write(bytes.subarray(at, cut))
        at = cut
        await turn()
      }
      if (halfCloses) socket.end()
    })
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', () => {})
    socket.on('close', () => resolve(Buffer.concat(chunks)))
    socket.setTimeout(8_000, () => socket.destroy())
  })
}

let traces = 0
const RUNS = 400
test(`a property: ${RUNS} pipelines get one answer and one line for each request, in order`, {
  timeout: 60_000,
}, async () => {
  const pipeline = fc.record({
    first: fc.array(fc.constantFrom(...GOOD), { maxLength: 5 }),
    last: fc.oneof(fc.constantFrom(...LAST), fc.constantFrom(...INCOMPLETE)),
    cuts: fc.array(fc.nat(1_000), { maxLength: 3 }),
    halfCloses: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(pipeline, async ({ first, last, cuts, halfCloses: wants }) => {
      const halfCloses = wants || INCOMPLETE.includes(last)
      server.lines.length = 0
      const sent = [...first, last].map((one) => {
        traces += 1
        const traceId = traces.toString(16).padStart(32, '0')
        return { ...one, traceId, text: one.bytes(`00-${traceId}-00f067aa0ba902b7-01`) }
      })
      const bytes = Buffer.from(sent.map(({ text }) => text).join(''), 'latin1')
      const received = parse(
        await exchange(bytes, cuts, halfCloses),
        sent.map(({ method }) => method),
        cuts.length > 0,
      )
      // Node ends what is unanswered when a client half-closes. A server may also announce that it closes.
      const isCutShort = halfCloses || (received.at(-1)?.closes === true && received.length < sent.length)
      if (isCutShort) expect(received.length).toBeLessThanOrEqual(sent.length)
      else expect(received).toHaveLength(sent.length)
      for (const [index, { status, traceId }] of received.entries()) {
        const expected = sent[index]
        expect(expected?.statuses, `answer ${index} to ${expected?.text}`).toContain(status)
        // A head that cannot be read has no readable trace either.
        const isUnreadable = index === sent.length - 1 && status === 400
        if (!isUnreadable) expect(traceId).toBe(expected?.traceId)
      }
      await vi.waitFor(() => {
        const lines = server.lines.filter(({ event }) => event === 'http.request')
        const ids = lines.map((line) => line['trace_id'])
        expect(new Set(ids).size).toBe(ids.length)
        for (const { traceId } of received) expect(ids).toContain(traceId)
        if (!isCutShort) expect(lines).toHaveLength(sent.length)
        expect(lines.length).toBeLessThanOrEqual(sent.length)
      })
      // No line follows later.
      await turn()
      expect(server.lines.filter(({ event }) => event === 'http.request').length).toBeLessThanOrEqual(sent.length)
    }),
    { numRuns: RUNS },
  )
})
