import { afterEach, describe, expect, it } from 'vitest'
import { at, createSystem, every, OPENED, type TestSystem } from './setup.ts'

let system: TestSystem
afterEach(() => system.remove())

/** The time of an access log, in UTC. */
function accessTime(at: number): string {
  const [day, month, year] = new Date(at).toUTCString().slice(5, 16).split(' ')
  return `${day}/${month}/${year}:${new Date(at).toISOString().slice(11, 19)} +0000`
}

describe('processes, their restarts and their breakers', () => {
  it('forgets an open breaker at a restart of its process', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [
      { ago: 400, event: 'service.start', instance: { host: 'h', pid: 1 } },
      ...every(1, 399, 310),
      { ...OPENED, ago: 309 },
      { ...OPENED, ago: 299, from: 'open', to: 'half-open' },
      { ...OPENED, ago: 298, from: 'half-open', to: 'open' },
      ...every(1, 297, 0),
    ])
    const open = { state: 'degraded', since: at(309), reasons: ['breaker'] }
    expect(system.service('shop')).toMatchObject({ ...open, open_breakers: [{ shield: 'inventory', since: at(309) }] })
    system.now += 1_000
    await system.write('shop', [{ ago: 0, event: 'service.start', instance: { host: 'h', pid: 2 } }])
    expect(system.service('shop')).toMatchObject({ state: 'degraded', reasons: ['restarts'], open_breakers: [] })
  })

  it('does not forget a breaker when its own process logs its start', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [
      { ago: 40, event: 'service.start', pid: 7 },
      { ...OPENED, ago: 30, pid: 7 },
      ...every(1, 29, 0, { pid: 7 }),
    ])
    expect(system.service('shop').reasons).toEqual(['breaker'])
    system.now += 2_000
    await system.write('shop', [{ ago: 0, status_code: 200, pid: 8 }])
    expect(system.service('shop').reasons).toEqual(['restarts'])
  })

  it('knows a process by host and pid and by its start line, which also names its start time', async () => {
    system = await createSystem(['shop'])
    const own = { pid: 1, hostname: 'h' }
    const started = (ago: number) => {
      const instance = { host: 'h', pid: 1, started_at: at(ago) }
      return { ago: 0, event: 'service.start', ...own, instance }
    }
    await system.write('shop', [{ ...started(50), ago: 50 }, ...every(1, 49, 31, own)])
    expect(system.service('shop')).toMatchObject({ state: 'healthy', reasons: [] })
    await system.write('shop', [{ ...OPENED, ...own, ago: 30 }, ...every(1, 29, 1, own)])
    expect(system.service('shop').reasons).toEqual(['breaker'])
    system.now += 1_000
    await system.write('shop', [started(-1)])
    expect(system.service('shop')).toMatchObject({ reasons: ['restarts'], open_breakers: [] })
    system.now += 5_000
    await system.write('shop', every(1, 4, 0, own))
    expect(system.service('shop')).toMatchObject({ reasons: ['restarts'], open_breakers: [] })
  })

  it('judges the lines of other loggers, and tells their restarts by the pid', async () => {
    system = await createSystem(['shop', 'gateway'])
    const pino = (ago: number, pid: number, statusCode: number): string =>
      JSON.stringify({
        level: 30,
        time: system.now - ago * 1_000,
        pid,
        hostname: 'h',
        res: { statusCode },
        responseTime: 5,
      })
    const access = (ago: number, status: number): string =>
      `10.0.0.1 - - [${accessTime(system.now - ago * 1_000)}] "GET /items HTTP/1.1" ${status} 12`
    const ages = Array.from({ length: 50 }, (_, index) => 50 - index)
    await system.write(
      'shop',
      ages.map((ago) => pino(ago, 7, 200)),
    )
    await system.write(
      'gateway',
      ages.map((ago) => access(ago, 502)),
    )
    expect(system.health()).toMatchObject({ state: 'failing', cause: { service: 'gateway', reason: '5xx' } })
    expect(system.service('shop')).toMatchObject({ state: 'healthy', requests: 50, failures: 0 })
    system.now += 1_000
    await system.write('shop', [pino(0, 8, 200)])
    expect(system.service('shop').reasons).toEqual(['restarts'])
  })
})
