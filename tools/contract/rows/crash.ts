import { setTimeout as delay } from 'node:timers/promises'
import { differences } from '../matching/differences.ts'
import { including, not, text } from '../matching/pattern.ts'
import { LOGS_UNKNOWN } from '../shop/log-reader.ts'
import { type Row, scenario } from '../walk/row.ts'
import { get, post } from '../wire/request.ts'

// 4.1d: the shop's process crashes on purpose. This disturbs all other rows, so it runs alone.

const BACK_WITHIN_MS = 5_000
const IN_FLIGHT_AHEAD_MS = 300
const DRAINING_AFTER_MS = 250

export const crash: readonly Row[] = [
  scenario(
    '4.1d',
    'an unhandled rejection drains the shop and restarts it within 5 s',
    async (walk) => {
      const before = await walk.target.pid('shop')
      const others = await Promise.all((['flaky', 'product', 'inventory', 'dashboard'] as const).map(walk.target.pid))
      const log = walk.target.logs.shop
      await log?.refresh()
      const linesBefore = log?.lines.length ?? 0
      // Takes 1.5 s: begins before the crash and ends after it.
      const inFlight = walk.send(get('/lento'))
      await delay(IN_FLIGHT_AHEAD_MS)
      await walk.ask(post('/crash-demo', {}), { status: 202 })
      const crashed = performance.now()
      await delay(DRAINING_AFTER_MS)
      const refused = { failure: text, shown: 'no new connection while it drains' }
      walk.judge(get('/items/item1'), await walk.send(get('/items/item1'), 1_000), refused)
      walk.judge(get('/lento'), await inFlight, { status: 200, shown: '200 for the request in flight' })
      // The old process can still answer its readiness check while it drains. The new one has another id.
      await walk.until('the shop is back', BACK_WITHIN_MS + 500 - (performance.now() - crashed), async () => {
        const { status } = await walk.send(get('/healthz'), 500)
        const pid = status === 200 ? await walk.target.pid('shop') : undefined
        return status === 200 && (before === undefined || pid !== before) ? true : undefined
      })
      const backMs = Math.round(performance.now() - crashed)
      walk.compare('shop is back within 5000 ms', true, backMs <= BACK_WITHIN_MS)
      await walk.ask(get('/items/item1'), { status: 200, shown: `200 again, after ${backMs} ms` })
      const after = await Promise.all((['flaky', 'product', 'inventory', 'dashboard'] as const).map(walk.target.pid))
      walk.compare('ids of the other processes', others, after)
      if (before !== undefined) walk.compare('id of the process', not(before), await walk.target.pid('shop'))
      if (log === undefined) return walk.pending(LOGS_UNKNOWN)
      await log.refresh()
      const critical = log.lines.slice(linesBefore).filter((line) => isCritical(line))
      walk.compare('critical lines in the log', 1, critical.length)
    },
    { alone: true },
  ),
]

function isCritical(line: unknown): boolean {
  return differences(including({ log_level: 'critical' }), line, '').length === 0
}
