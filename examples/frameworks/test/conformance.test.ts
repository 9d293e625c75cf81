import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { conformanceChecks } from 'escudo/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const FOLDER = join(import.meta.dirname, '..')
const STARTS_WITHIN_MS = 20_000

const FRAMEWORKS = ['fastify', 'hono', 'web']
const PORTS = await freePorts(FRAMEWORKS.length)

describe.each(FRAMEWORKS.map((framework, index) => [framework, PORTS[index] as number] as const))(
  'the small service on %s',
  (framework, port) => {
    let service: ChildProcess
    let errors = ''

    beforeAll(async () => {
      const args = ['--conditions=@escudo/source', join(FOLDER, framework, 'main.ts')]
      const env = { ...process.env, PORT: String(port) }
      service = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
      service.stderr?.on('data', (chunk) => {
        errors += chunk
      })
      await answers(port)
    })

    afterAll(async () => {
      const ended = once(service, 'exit')
      service.kill('SIGTERM')
      expect(await ended).toEqual([0, null])
      // The listener of @hono/node-server prints the error of a body that fails.
      const printed = framework === 'fastify' ? /^$/ : /^Error: the rest of the body is missing\n(?: {4}at .*\n)+$/
      expect(errors).toMatch(printed)
    })

    it.each(conformanceChecks({ url: `http://127.0.0.1:${port}` }))('$name', ({ run }) => run())
  },
)

async function answers(port: number): Promise<void> {
  const untilMs = performance.now() + STARTS_WITHIN_MS
  for (;;) {
    try {
      await fetch(`http://127.0.0.1:${port}/items/1`)
      return
    } catch (error) {
      if (performance.now() > untilMs) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** Ports that are free now. All are taken before the first is given back, so that they differ. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
