import { escudo, iso, json, local, msOf, type Random, statusOf, type Writer } from './awkward-values.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function commonTime(at: number): string {
  const time = iso(at)
  return `${time.slice(8, 10)}/${MONTHS[Number(time.slice(5, 7)) - 1]}/${time.slice(0, 4)}:${time.slice(11, 19)} +0000`
}

/** A request whose one line the function builds. */
function request(line: (status: number, ms: number, at: number, number: number, random: Random) => string): Writer {
  return (random, at, number) => {
    const [status, ms] = [statusOf(random), msOf(random)]
    return { text: line(status, ms, at, number, random), requests: [{ status, ms }] }
  }
}

/** A request in a format without durations. */
function untimedRequest(line: (status: number, at: number, number: number) => string): Writer {
  return (random, at, number) => {
    const status = statusOf(random)
    return { text: line(status, at, number), requests: [{ status }] }
  }
}

/** Lines that count requests, each in another format. */
export const REQUESTS: readonly Writer[] = [
  request((status, ms, at, number) => json(escudo(status, ms, at, number))),
  request((status, ms, at, number) => json(escudo(status, ms, at, number)).replace('\n', '\r\n')),
  request((status, ms, at, number) => json({ ...escudo(status, ms, at, number), ['note']: 'ñ💥\u2028"\\' })),
  request((status, ms, at) =>
    json({
      level: 30,
      time: at,
      pid: 4,
      hostname: 'h',
      req: { method: 'GET', url: '/o?x=1' },
      res: { statusCode: status },
      responseTime: ms,
      msg: 'request completed',
    }),
  ),
  request((status, ms, at) =>
    json({
      name: 'shop',
      hostname: 'h',
      pid: 9,
      level: 30,
      req: { url: '/o' },
      res: { statusCode: status },
      latency: ms,
      msg: 'handled',
      time: iso(at),
      v: 0,
    }),
  ),
  request((status, ms, at) =>
    json({
      meta: { req: { url: '/p', method: 'POST' }, res: { statusCode: status }, responseTime: ms },
      level: 'info',
      message: 'HTTP',
      timestamp: iso(at),
    }),
  ),
  request((status, ms, at) =>
    json({
      time_local: commonTime(at),
      request: 'GET /f HTTP/1.1',
      status: String(status),
      request_time: (ms / 1_000).toFixed(6),
    }),
  ),
  request((status, ms, at) =>
    json({
      path: '/d',
      duration: String(ms),
      response_code: String(status),
      response_flags: '-',
      start_time: iso(at),
      method: 'GET',
    }),
  ),
  request((status, ms, at) =>
    json({
      event: 'request_finished',
      path: '/o',
      status_code: status,
      duration_ms: ms,
      level: 'info',
      timestamp: iso(at),
    }),
  ),
  request((status, ms, at) =>
    json({ level: 'info', ts: at / 1_000, caller: 'm.go:1', msg: 'req', status, path: '/o', duration: ms / 1_000 }),
  ),
  request((status, ms, at) =>
    json({ time: iso(at), level: 'INFO', msg: 'request', path: '/o', status, duration: Math.round(ms * 1e6) }),
  ),
  request((status, ms, at) =>
    json({ level: 'info', method: 'GET', url: '/o', status, duration: ms, time: iso(at), message: 'access' }),
  ),
  request((status, ms, at) =>
    json({ time: iso(at), method: 'GET', uri: '/o', status, latency: Math.round(ms * 1e6), latency_human: `${ms}ms` }),
  ),
  request((status, ms, at) =>
    json({
      '@timestamp': iso(at),
      'log.level': 'ERROR',
      'ecs.version': '8.11',
      'http.response.status_code': status,
      'event.duration': Math.round(ms * 1e6),
    }),
  ),
  request((status, ms, at) =>
    json({
      '@timestamp': iso(at),
      '@version': '1',
      logger_name: 'a',
      message: 'done',
      level: 'INFO',
      status,
      elapsed_ms: ms,
    }),
  ),
  request((status, ms, at) =>
    json({ '@t': iso(at), '@mt': 'HTTP', RequestPath: '/o', StatusCode: status, Elapsed: ms }),
  ),
  request((status, ms, at) =>
    json({ log: `${JSON.stringify(escudo(status, ms, at, 1))}\n`, stream: 'stdout', time: iso(at) }),
  ),
  request((status, ms, at) =>
    json({ __REALTIME_TIMESTAMP: `${at}000`, PRIORITY: '6', MESSAGE: JSON.stringify(escudo(status, ms, at, 1)) }),
  ),
  request((status, ms, at) =>
    json({ method: 'GET', path: '/o', controller: 'o', action: 'show', status, duration: ms, '@timestamp': iso(at) }),
  ),
  request((status, ms, at) =>
    json({
      asctime: local(at),
      levelname: 'ERROR',
      message: 'x',
      status_code: status,
      duration_ms: ms,
    }),
  ),
  request((status, ms, at) =>
    json({
      timestamp: iso(at),
      level: 'error',
      dd: { trace_id: '74', service: 'shop' },
      status_code: status,
      duration_ms: ms,
    }),
  ),
  request((status, ms, at) =>
    json({
      version: '1.1',
      host: 'shop',
      short_message: 'x',
      timestamp: at / 1_000,
      level: 6,
      _status: status,
      _latency_ms: ms,
    }),
  ),
  request((status, ms, at) => `time=${iso(at)} level=INFO msg="a request" status=${status} duration=${ms}ms\n`),
  request((status, ms, at) => `shop-1  | ${json(escudo(status, ms, at, 3))}`),
  request((status, ms) => `GET /o/7 ${status} ${ms} ms - 12\n`),
  request((status, ms, at, number) => `${iso(at)} stdout F ${json(escudo(status, ms, at, number))}`),
  untimedRequest((status, at) => `::1 - - [${commonTime(at)}] "GET /o/8 HTTP/1.1" ${status} 12 "-" "curl \\"8\\""\n`),
  untimedRequest((status, at) => `192.0.2.1 - amy [${commonTime(at)}] "GET /index.html HTTP/1.0" ${status} 2326\n`),
  untimedRequest((status, at) => json({ timestamp: iso(at), level: 'info', message: 'answered', path: '/p', status })),
  // A duration in an unknown unit is no latency.
  untimedRequest((status, at) => json({ at: 1, timestamp: iso(at), status, path: '/q', took: 12_500 })),
  // Nor is a negative one.
  untimedRequest((status, at, number) => json({ ...escudo(status, -5, at, number) })),
]
