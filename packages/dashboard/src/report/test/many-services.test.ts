import { afterEach, expect, it } from 'vitest'
import { createSystem, every, type TestSystem } from './setup.ts'

let system: TestSystem
afterEach(() => system.remove())

const SERVICES = 400

it('judges hundreds of services with shields several times a second', async () => {
  system = await createSystem(['all'])
  for (let at = 0; at < SERVICES; at += 1) {
    const service = `service-${at}`
    const calls = Array.from({ length: 5 }, (_, call) => `client-${(at * 7 + call) % SERVICES}`)
    await system.write('all', [
      ...every(1, 20, 1, { service }),
      ...calls.map((shield) => ({ ago: 1, event: 'retry.attempt', shield, service })),
    ])
  }
  const started = process.cpuUsage()
  expect(system.health().services).toHaveLength(SERVICES)
  // A quarter of a second is the time of one message to the page.
  expect(process.cpuUsage(started).user).toBeLessThan(250_000)
})

it('follows the name of a shield to the cause', async () => {
  system = await createSystem(['shop', 'inventory-service'])
  await system.write('shop', [{ ago: 2, event: 'retry.attempt', shield: 'Inventory' }])
  await system.write('shop', every(1, 50, 1, { status_code: 502 }))
  await system.write('inventory-service', every(1, 50, 1, { status_code: 503 }))
  expect(system.health()).toMatchObject({ cause: { service: 'inventory-service' }, effect: { services: ['shop'] } })
})
