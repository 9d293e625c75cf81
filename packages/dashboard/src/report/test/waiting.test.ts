import { afterEach, describe, expect, it } from 'vitest'
import { createSystem, NOW, type TestSystem } from './setup.ts'

let system: TestSystem
afterEach(() => system.remove())

describe('why there is no verdict', () => {
  it('says why there is no request', async () => {
    system = await createSystem(['shop'])
    await system.files.poll()
    expect(system.health().waiting).toMatchObject({ reason: 'no-file' })
    await system.write('shop', ['not json', '[1]'])
    expect(system.health().waiting).toMatchObject({ reason: 'malformed', lines: 2, malformed: 2, recognised: 0 })
    await system.write('shop', ['{"event":"http.request","status_code":200}'])
    expect(system.health().waiting).toMatchObject({ reason: 'no-time', untimed: 1, recognised: 1 })
    expect(system.health().services).toEqual([])
  })

  it('says for each file what it is instead of requests', async () => {
    system = await createSystem(['shop', 'other', 'absent'])
    await system.write('other', ['{"a":1}', '{"a":2}'])
    expect(system.health().waiting).toMatchObject({ reason: 'unrecognised', lines: 2, malformed: 0 })
    await system.write('shop', [JSON.stringify({ level: 30, time: NOW, pid: 1, hostname: 'h', msg: 'started' })])
    expect(system.health().waiting).toMatchObject({
      reason: 'no-request',
      lines: 3,
      recognised: 1,
      files: [
        { path: system.path('shop'), format: 'pino', read: 1, hints: [expect.stringContaining('--field status=')] },
        { format: null, recognised: 0, unread: { example: '{"a":1}', reason: 'no-known-field', lines: 2 } },
        { path: system.path('absent'), state: 'waiting', read: 0 },
      ],
    })
  })

  it('takes a request without a time among health checks for what it is', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [
      { ago: 1, status_code: 200, path: '/healthz' },
      '{"event":"http.request","status_code":200}',
    ])
    expect(system.health().waiting).toMatchObject({ reason: 'no-time', health_checks: 1, untimed: 1 })
  })

  it('describes the first twenty of many files', async () => {
    system = await createSystem(Array.from({ length: 30 }, (_, index) => `service-${index}`))
    await system.files.poll()
    expect(system.health().waiting?.files).toHaveLength(20)
  })
})
