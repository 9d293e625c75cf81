import { differences } from '../matching/differences.ts'
import { oneOf } from '../matching/pattern.ts'
import { freePorts } from '../shop/free-ports.ts'
import { PORT_VARIABLES } from '../shop/own-shop.ts'
import { type Row, scenario } from '../walk/row.ts'
import { get, SERVICES } from '../wire/request.ts'
import { send } from '../wire/send.ts'

// `npm start`: taken ports and the stop. The stop is the last row, because no process runs after it.

const STOP_WITHIN_MS = 8_000

export const start: readonly Row[] = [
  ...SERVICES.map((service) =>
    scenario(
      'start',
      `reports a taken port in one line: ${service}`,
      async (walk) => {
        const { own, ports } = walk.target
        if (own === undefined) return
        // All other ports are free, so the error is about this one.
        const others = SERVICES.filter((other) => other !== service)
        const free = await freePorts(others.length)
        const moved = Object.fromEntries(others.map((other, index) => [PORT_VARIABLES[other], String(free[index])]))
        const ended = await own.startAgain(moved)
        const lines = `${ended.stderr}${ended.stdout}`
          .split('\n')
          .filter((line) => line.includes(String(ports[service])))
        walk.show(
          `npm start with ${PORT_VARIABLES[service]} taken`,
          'one line with port and variable, exit not 0',
          `exit ${ended.code}: ${lines[0] ?? ended.stderr}`,
        )
        walk.compare('lines that name the port', 1, lines.length)
        walk.compare('the line', new RegExp(PORT_VARIABLES[service]), lines[0])
        walk.compare('exit code', oneOf(1, 2, 3), ended.code)
        for (const port of free) {
          const answer = await send(port, get('/healthz'), 500)
          walk.compare(`answer of a remaining process on port ${port}`, 'ECONNREFUSED', answer.failure)
        }
      },
      { lane: 'cmd', ownShop: true },
    ),
  ),
  scenario(
    'start',
    'SIGTERM stops all processes with exit code 0',
    async (walk) => {
      const { own, ports } = walk.target
      if (own === undefined) return
      const pids = await Promise.all(SERVICES.map(walk.target.pid))
      const began = performance.now()
      const ended = await own.stop()
      const ms = Math.round(performance.now() - began)
      walk.show('SIGTERM', 'exit 0, no process remains', `exit ${ended.code ?? ended.signal} after ${ms} ms`)
      walk.compare('exit code', 0, ended.code)
      walk.compare(`stopped within ${STOP_WITHIN_MS} ms`, true, ms <= STOP_WITHIN_MS)
      for (const [index, service] of SERVICES.entries()) {
        const pid = pids[index]
        if (pid !== undefined) walk.compare(`process of ${service} alive`, false, isAlive(pid))
        const answer = await send(ports[service], get('/healthz'), 1_000)
        walk.compare(`port of ${service}`, 'ECONNREFUSED', answer.failure)
      }
    },
    { alone: true, ownShop: true },
  ),
]

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: the process exists, but belongs to another user.
    return differences('ESRCH', (error as NodeJS.ErrnoException).code, '').length > 0
  }
}
