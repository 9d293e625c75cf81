import { conformanceChecks } from 'escudo/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endServices, FRAMEWORKS, freePorts, type Service, startService } from './services.ts'

const PORTS = await freePorts(FRAMEWORKS.length)

describe.each(FRAMEWORKS.map((framework, index) => [framework, PORTS[index] as number] as const))(
  'the small service on %s',
  (framework, port) => {
    let service: Service
    beforeAll(async () => {
      service = await startService(framework, port)
    })
    // It is alive, ends by itself, and has written no warning.
    afterAll(async () => {
      try {
        expect(await service.stop()).toEqual({ exit: [0, null], errors: printedBy(framework) })
      } finally {
        await endServices()
      }
    })

    it.each(conformanceChecks({ url: `http://127.0.0.1:${port}` }))('$name', ({ run }) => run())
  },
)

/** The listener of `@hono/node-server` prints the error of a body that fails. */
function printedBy(framework: string): unknown {
  if (framework !== 'hono' && framework !== 'web') return ''
  return expect.stringMatching(/^Error: the rest of the body is missing\n(?: {4}at .*\n)+$/)
}
