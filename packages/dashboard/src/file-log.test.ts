import { expect, test } from 'vitest'
import { FileLog } from './file-log.ts'

function logOf(...lines: readonly unknown[]): FileLog {
  const log = new FileLog('/logs/potion-shop.jsonl')
  for (const line of lines) log.lines.push(Buffer.from(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`))
  return log
}

test('in a file with events, only http.request lines are requests, whatever else has a status', () => {
  const log = logOf(
    { event: 'http.request', service: 'shop', status_code: 200, latency_ms: 2 },
    { event: 'http_error', status_code: 500, latency_ms: 9 },
    { status_code: 200, latency_ms: 1 },
  )
  expect(log.requests.all).toEqual({ requests: 1, clientErrors: 0, serverErrors: 0, latencyMsSum: 2, latencies: 1 })
})

test('in a file without events, a line with a status and a latency is a request, of the service that the file names', () => {
  const log = logOf({ status_code: 404, latency_ms: 3, path: '/' }, { status_code: 500 }, { latency_ms: 1 })
  expect(log.requests.all).toEqual({ requests: 1, clientErrors: 1, serverErrors: 0, latencyMsSum: 3, latencies: 1 })
  expect([...log.requests.byService.keys()]).toEqual(['potion-shop'])
})

test('a first event late in the file changes how its earlier lines are read', () => {
  const log = logOf({ status_code: 200, latency_ms: 1 })
  expect(log.requests.all.requests).toBe(1)
  log.lines.push(Buffer.from('{"event":"started"}\n'))
  expect(log.requests.all.requests).toBe(0)
})

test('what is no JSON object is counted as malformed, and nothing else comes of it', () => {
  const log = logOf('nope', '42', 'null', '[1]', '"x"', '{"a":', '\u0000', '   ', { event: 'x' })
  expect(log).toMatchObject({ read: 8, malformed: 7 })
})

test('a status or latency that cannot be is left out, and the request is still one', () => {
  const log = logOf(
    { event: 'http.request', status_code: '200', latency_ms: -1 },
    { event: 'http.request', status_code: 99, latency_ms: '5' },
    { event: 'http.request', status_code: 200.5 },
    '{"event":"http.request","status_code":200,"latency_ms":1e999}',
  )
  expect(log.requests.all).toMatchObject({ requests: 4, latencies: 0 })
  expect([...log.requests.byStatus]).toEqual([[200, 1]])
})
