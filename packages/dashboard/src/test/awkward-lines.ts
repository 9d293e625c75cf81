/** The random choices of one generated log. The same seed gives the same log. */
export interface Random {
  /** From 0 to before 1. */
  readonly next: () => number
  readonly integer: (max: number) => number
}

/** What one writer adds to a log. */
export interface Written {
  /** One or more lines, each with its newline. */
  readonly text: string | Buffer
  /** The number of lines that are not blank; default 1. */
  readonly read?: number
  /** The number of lines in a known format; default as many as are read. */
  readonly recognised?: number
  readonly malformed?: number
  /** The status and latency of each request in it. */
  readonly requests?: readonly { readonly status: number; readonly ms?: number }[]
}

type Writer = (random: Random, at: number, number: number) => Written

const STATUSES = [200, 200, 200, 200, 201, 204, 301, 404, 409, 429, 500, 502, 503]
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const statusOf = (random: Random): number => STATUSES[random.integer(STATUSES.length)] ?? 200
/** From 1 to 250 ms, with a fraction. */
const msOf = (random: Random): number => 1 + random.integer(249) + (1 + random.integer(998)) / 1_000
const iso = (at: number): string => new Date(at).toISOString()
const json = (fields: object): string => `${JSON.stringify(fields)}\n`

/** The time of Python's logging: local, without a zone. */
function local(at: number): string {
  return iso(at - new Date(at).getTimezoneOffset() * 60_000)
    .slice(0, 23)
    .replace('T', ' ')
    .replace('.', ',')
}

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

function other(line: (at: number, number: number) => string | Buffer, more: Omit<Written, 'text'> = {}): Writer {
  return (_, at, number) => ({ text: line(at, number), ...more })
}

const escudo = (status: number, ms: number, at: number, number: number): object => ({
  log_level: 'info',
  timestamp: iso(at),
  service: `s${number % 7}`,
  trace_id: number.toString(16).padStart(32, '0'),
  span_id: 'a1',
  method: 'GET',
  path: `/items/${number % 99}`,
  status_code: status,
  latency_ms: ms,
  event: 'http.request',
})

/** Lines that count requests, each in another format. */
const REQUESTS: readonly Writer[] = [
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

/** Several lines about one request, or several requests in one line. */
const GROUPS: readonly Writer[] = [
  (random, at, number) => {
    const [status, ms, reqId] = [statusOf(random), msOf(random), `req-${number}`]
    const line = { level: 30, time: at, pid: 41, hostname: 'h1', reqId }
    const text =
      json({ ...line, req: { method: 'GET', url: '/boom' }, msg: 'incoming request' }) +
      json({
        ...line,
        level: 50,
        req: { url: '/boom' },
        res: { statusCode: status },
        err: { message: 'boom' },
        msg: 'boom',
      }) +
      json({ ...line, res: { statusCode: status }, responseTime: ms, msg: 'request completed' })
    return { text, read: 3, requests: [{ status, ms }] }
  },
  (random, at) => {
    const [status, ms] = [statusOf(random), msOf(random)]
    const line = {
      level: 'error',
      ts: at / 1_000,
      request: { method: 'GET', uri: '/o/8' },
      duration: ms / 1_000,
      status,
    }
    const text =
      json({ ...line, logger: 'http.log.error', msg: 'dial' }) +
      json({ ...line, logger: 'http.log.access.log0', msg: 'handled request' })
    return { text, read: 2, requests: [{ status, ms }] }
  },
  (random, at, number) => {
    const [status, ms] = [statusOf(random), msOf(random)]
    const whole = JSON.stringify(escudo(status, ms, at, number))
    const cut = 1 + random.integer(whole.length - 2)
    const text = `${iso(at)} stderr P ${whole.slice(0, cut)}\n${iso(at)} stderr F ${whole.slice(cut)}\n`
    return { text, read: 2, requests: [{ status, ms }] }
  },
  (random, at) => {
    const requests = Array.from({ length: 1 + random.integer(4) }, () => ({
      status: statusOf(random),
      ms: msOf(random),
    }))
    const logRecords = requests.map(({ status, ms }) => ({
      timeUnixNano: `${at}000000`,
      severityNumber: 9,
      body: { stringValue: 'x' },
      attributes: [
        { key: 'http.response.status_code', value: { intValue: String(status) } },
        { key: 'duration_ms', value: { doubleValue: ms } },
      ],
    }))
    return { text: json({ resourceLogs: [{ resource: {}, scopeLogs: [{ logRecords }] }] }), requests }
  },
]

/** Lines that are no requests. */
const OTHERS: readonly Writer[] = [
  other((at) => json({ level: 30, time: at, pid: 1, hostname: 'h', msg: 'hello', event: 'user.signup' })),
  other((at) => json({ log_level: 'error', timestamp: iso(at), event: 'http_error', status_code: 500, detail: 'x' })),
  other((at) => json({ log_level: 'warning', timestamp: iso(at), event: 'retry.attempt', shield: 'a', attempt: 1 })),
  other((at) => json({ timestamp: iso(at), level: 'info', message: 'status is fine', status: 'ok' })),
  other((at) => `${local(at)} INFO main - started\n`),
  other((at) => `{"timestamp":"${iso(at)}","level":"info","__proto__":{"status":500},"constructor":1,"message":"x"}\n`),
  other((at) => `{"timestamp":"${iso(at)}","message":"deep","a":${'['.repeat(500)}${']'.repeat(500)}}\n`),
  other(
    (at) => `{"timestamp":"${iso(at)}","message":"huge","n":1e999,"m":123456789012345678901234567890,"status":20000}\n`,
  ),
  other(() => '{"alone":1}\n', { recognised: 0 }),
  other(() => '\n  \n\r\n', { read: 0 }),
  other((at) => `{"timestamp":"${iso(at)}","status_c\n`, { malformed: 1 }),
  other(() => 'a line without a format\n', { malformed: 1 }),
  other(() => '[1,2]\n', { malformed: 1 }),
  other(() => Buffer.concat([Buffer.alloc(40), Buffer.from('\n')]), { malformed: 1 }),
  other((at) =>
    Buffer.concat([
      Buffer.alloc(100),
      Buffer.from(`{"timestamp":"${iso(at)}","level":"info","message":"after a hole"}\n`),
    ]),
  ),
  other((at) =>
    Buffer.concat([
      Buffer.from(`{"timestamp":"${iso(at)}","level":"info","message":"`),
      Buffer.from([0xff, 0xfe, 0xc3]),
      Buffer.from('"}\n'),
    ]),
  ),
  // Longer than 1 MiB, now and then.
  (_, at, number) =>
    number % 997 === 0
      ? { text: `{"timestamp":"${iso(at)}","message":"${'x'.repeat(1_048_600)}"}\n`, malformed: 1 }
      : { text: json({ timestamp: iso(at), level: 'info', message: 'x'.repeat(number % 5_000) }) },
]

/** Every kind of line. Requests are the most frequent. */
export const WRITERS: readonly Writer[] = [...REQUESTS, ...REQUESTS, ...GROUPS, ...GROUPS, ...OTHERS]
