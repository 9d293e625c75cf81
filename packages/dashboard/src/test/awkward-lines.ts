import { REQUESTS } from './awkward-requests.ts'
import { escudo, iso, json, local, msOf, statusOf, type Writer, type Written } from './awkward-values.ts'

function other(line: (at: number, number: number) => string | Buffer, more: Omit<Written, 'text'> = {}): Writer {
  return (_, at, number) => ({ text: line(at, number), ...more })
}

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
