import { number, that } from '../matching/pattern.ts'
import type { LogLine } from '../shop/log-reader.ts'
import { ok, refused } from '../walk/expectation.ts'
import { type Row, scenario } from '../walk/row.ts'
import type { Walk } from '../walk/walk.ts'
import type { Answer } from '../wire/answer.ts'
import { get } from '../wire/request.ts'

// 4.4: at most three attempts, exponential backoff with full jitter, and only for what a retry may mend.

const FINE = ok({ result: { message: 'Service OK' } })
const THREE = that('the number of attempts, 3', (got) => {
  const values = typeof got === 'object' && got !== null ? Object.values(got) : []
  return values.some((value) => value === 3 || (Array.isArray(value) && value.length === 3))
})
const SPENT = refused(503, 'UPSTREAM_UNAVAILABLE', 'Servicio no disponible después de varios intentos', THREE)
// Full jitter: anything up to 200 ms, then up to 400 ms.
const DELAY_MS_MAX = [200, 400] as const
const TRIES_MAX = 40

const uses = { lane: 'flaky', uses: ['flaky'] } as const

/** How often the flaky service was asked in the trace of an answer. */
async function attemptsOf(walk: Walk, answer: Answer): Promise<number> {
  const lines = await walk.lines('shop', answer.headers['x-trace-id'] ?? '')
  const expected = retriesIn(lines).length + 1
  const isRequest = (line: LogLine): boolean => line['event'] === 'http.request'
  const asked = await walk.lines('flaky', answer.headers['x-trace-id'] ?? '', (all) => {
    return all.filter(isRequest).length >= expected
  })
  return asked.filter(isRequest).length
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
      'the first attempt succeeds',
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
    'a later attempt succeeds: 200, one retry.attempt line for each failure before',
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
      walk.compare(`calls of ${TRIES_MAX} that a retry saved, 1 at least`, true, false)
    },
    uses,
  ),
  scenario(
    '4.4a',
    'the flaky service fails by itself about 70 of 100 times, and /unstable 50',
    async (walk) => {
      await walk.fault('flaky', { rate: 0 })
      await walk.mend()
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
  ...[408, 425, 429, 500, 502, 503, 504].map((status) => spent(`${status} is tried 3 times`, { status })),
  spent('a reset is tried 3 times', { error: 'reset' }),
  spent('no answer: 2 s an attempt, 3 times', { latency_ms: 5_000 }, 7_500),
  ...[400, 401, 403, 404, 409, 422].map((status) =>
    scenario(
      '4.4b',
      `${status} is not tried again`,
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
    'the process of the flaky service is dead: the same answer, and it comes back',
    async (walk) => {
      await walk.kill('flaky')
      await walk.ask(get('/call-service'), SPENT)
      await walk.untilBack('flaky', 12_000)
    },
    uses,
  ),
]
