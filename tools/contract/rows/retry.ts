import { number, that } from '../matching/pattern.ts'
import type { LogLine } from '../shop/log-reader.ts'
import { ok, refused } from '../walk/expectation.ts'
import { type Row, scenario } from '../walk/row.ts'
import type { Walk } from '../walk/walk.ts'
import type { Answer } from '../wire/answer.ts'
import { get } from '../wire/request.ts'

// 4.4: at most three attempts with exponential backoff and full jitter, only for retryable failures.

const FINE = ok({ result: { message: 'Service OK' } })
const THREE = that('the number of attempts, 3', (got) => {
  const values = typeof got === 'object' && got !== null ? Object.values(got) : []
  return values.some((value) => value === 3 || (Array.isArray(value) && value.length === 3))
})
const SPENT = refused(503, 'UPSTREAM_UNAVAILABLE', 'Servicio no disponible después de varios intentos', THREE)
// Full jitter: first between 0 and 200 ms, then between 0 and 400 ms.
const DELAY_MS_MAX = [200, 400] as const
const TRIES_MAX = 40

const uses = { lane: 'flaky', uses: ['flaky'] } as const

/** Returns the number of requests to the flaky service in the trace of an answer. */
async function attemptsOf(walk: Walk, answer: Answer): Promise<number> {
  const lines = await walk.lines('shop', answer.headers['x-trace-id'] ?? '')
  const expected = retriesIn(lines).length + 1
  const isRequest = (line: LogLine): boolean => line['event'] === 'http.request'
  const received = await walk.lines('flaky', answer.headers['x-trace-id'] ?? '', (all) => {
    return all.filter(isRequest).length >= expected
  })
  return received.filter(isRequest).length
}

function retriesIn(lines: readonly LogLine[]): readonly LogLine[] {
  return lines.filter((line) => line['event'] === 'retry.attempt')
}

async function threeAttempts(walk: Walk, answer: Answer): Promise<void> {
  const lines = await walk.logged('shop', answer, { event: 'http_error', log_level: 'error', error_kind: 'technical' })
  const retries = retriesIn(lines)
  walk.compare('retry.attempt lines', 2, retries.length)
  for (const [index, line] of retries.entries()) {
    walk.compare('log_level of retry.attempt', 'warning', line['log_level'])
    walk.compare('attempt of retry.attempt', number(1, 3), line['attempt'])
    walk.compare('delay_ms of retry.attempt', number(0, DELAY_MS_MAX[index] ?? 0), line['delay_ms'])
  }
  walk.compare('requests that reached the flaky service', 3, await attemptsOf(walk, answer))
}

const spent = (name: string, fault: unknown, atMostMs = 3_000): Row =>
  scenario(
    '4.4b',
    name,
    async (walk) => {
      await walk.fault('flaky', fault)
      await threeAttempts(walk, await walk.ask(get('/call-service'), { ...SPENT, withinMs: atMostMs }))
    },
    uses,
  )

export const retry: readonly Row[] = [
  ...['/call-service', '/call-service/'].map((path) =>
    scenario(
      '4.4a',
      `${path}: returns 200 after one attempt`,
      async (walk) => {
        await walk.fault('flaky', { rate: 0 })
        const answer = await walk.ask(get(path), FINE)
        walk.compare('requests that reached the flaky service', 1, await attemptsOf(walk, answer))
      },
      uses,
    ),
  ),
  scenario(
    '4.4a',
    'returns 200 when a later attempt succeeds, with one retry.attempt line for each retry',
    async (walk) => {
      await walk.fault('flaky', { status: 503, rate: 0.5 })
      for (let tries = 0; tries < TRIES_MAX; tries += 1) {
        const answer = await walk.send(get('/call-service'))
        walk.judge(get('/call-service'), answer, answer.status === 503 ? SPENT : FINE)
        if (answer.status !== 200) continue
        const retries = retriesIn(await walk.lines('shop', answer.headers['x-trace-id'] ?? ''))
        const attempts = await attemptsOf(walk, answer)
        walk.compare('requests that reached the flaky service', retries.length + 1, attempts)
        if (attempts > 1) return walk.judge(get('/call-service'), answer, FINE)
      }
      walk.compare(`a retry succeeds in at least 1 of ${TRIES_MAX} calls`, true, false)
    },
    uses,
  ),
  scenario(
    '4.4a',
    'without faults, /fake_service fails for about 70% and /unstable for about 50%',
    async (walk) => {
      await walk.fault('flaky', { rate: 0 })
      await walk.clearFaults()
      for (const [path, status, min, max] of [
        ['/fake_service', 503, 0.55, 0.85],
        ['/unstable', 500, 0.35, 0.65],
      ] as const) {
        const answers = await Promise.all(Array.from({ length: 250 }, () => walk.send(get(path, { to: 'flaky' }))))
        const failed = answers.filter((answer) => answer.status === status).length / answers.length
        const others = answers.filter((answer) => answer.status !== status && answer.status !== 200)
        walk.show(`flaky: GET ${path}, 250 times`, `${status} for ${min} to ${max}`, `${status} for ${failed}`)
        walk.compare(`share of ${status} from ${path}`, number(min, max), failed)
        walk.compare(`other answers from ${path}`, 0, others.length)
      }
    },
    uses,
  ),
  ...[408, 425, 429, 500, 502, 503, 504].map((status) =>
    spent(`tries 3 times when the service answers ${status}`, { status }),
  ),
  spent('tries 3 times when the connection is reset', { error: 'reset' }),
  spent('tries 3 times with a timeout of 2 s when there is no answer', { latency_ms: 5_000 }, 7_500),
  ...[400, 401, 403, 404, 409, 422].map((status) =>
    scenario(
      '4.4b',
      `does not retry when the service answers ${status}`,
      async (walk) => {
        await walk.fault('flaky', { status })
        const answer = await walk.ask(get('/call-service'), refused(502, 'UPSTREAM_ERROR'))
        walk.compare('requests that reached the flaky service', 1, await attemptsOf(walk, answer))
      },
      uses,
    ),
  ),
  scenario(
    '4.4b',
    'returns 503 while the flaky service is down; the service restarts',
    async (walk) => {
      await walk.kill('flaky')
      await walk.ask(get('/call-service'), SPENT)
      await walk.untilBack('flaky', 12_000)
    },
    uses,
  ),
]
