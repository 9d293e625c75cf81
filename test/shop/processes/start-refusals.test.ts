import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type Running, startScript } from '../helpers/processes.ts'
import { listening } from '../helpers/requests.ts'
import { cleanUp, environment } from '../helpers/system.ts'
import { NAMES } from '../helpers/target.ts'

// A wrong start is rejected in one line before any process runs.

const START = 'examples/potion-shop/src/start.ts'

afterEach(cleanUp)

test.each(NAMES)(
  'start: rejects a taken port (%s) in one line with port and variable, and starts nothing',
  async (name) => {
    const { env, ports } = await environment()
    const holder = createServer().listen(ports[name], '127.0.0.1')
    try {
      const supervisor = startScript(START, [], env)
      await expectMisuse(supervisor)
      const variable = Object.entries(env).find(([, value]) => value === String(ports[name]))?.[0]
      expect(supervisor.stderr()).toContain(`port ${ports[name]} is taken; set ${variable}`)
      for (const port of Object.values(ports)) expect(await listening(port)).toBe(port === ports[name])
    } finally {
      holder.close()
    }
  },
)

test.each([
  [['--nope'], {}, 'unknown flag --nope'],
  [['--shop-port'], {}, '--shop-port needs a value'],
  [['--shop-port', '--seed', '1'], {}, '--shop-port needs a value'],
  [['--shop-port=80e1'], {}, '--shop-port takes a port, 1 to 65535, got "80e1"'],
  [['extra'], {}, "unexpected argument 'extra'"],
  [[], { ESCUDO_FLAKY_PORT: '70000' }, 'ESCUDO_FLAKY_PORT takes a port, 1 to 65535, got "70000"'],
  [[], { ESCUDO_FLAKY_PORT: ' 1' }, 'ESCUDO_FLAKY_PORT takes a port'],
  [[], { ESCUDO_SEED: '-1' }, 'ESCUDO_SEED takes a whole number'],
  [[], { ESCUDO_UNSTABLE_FAIL_RATE: '1.5' }, 'ESCUDO_UNSTABLE_FAIL_RATE takes a share from 0 to 1'],
  [[], { ESCUDO_SHOP_PORT: '8501', ESCUDO_DASHBOARD_PORT: '8501' }, 'are both 8501'],
  [[], { ESCUDO_LOG_DIR: '/dev/null/x' }, 'the log folder cannot be made'],
])('rejects %j with %j in one line', async (args, extra, message) => {
  const { env } = await environment(extra as Record<string, string>)
  const supervisor = startScript(START, args, env)
  await expectMisuse(supervisor)
  expect(supervisor.stderr()).toContain(message)
})

test.each([
  'examples/potion-shop/src/shop/main.ts',
  'examples/potion-shop/src/dependencies/flaky.ts',
  'examples/potion-shop/src/dependencies/product.ts',
  'examples/potion-shop/src/dependencies/inventory.ts',
  'packages/dashboard/src/bin.ts',
])('%s alone has --help; an unknown flag or a taken port is one line', async (script) => {
  const files = script.includes('dashboard') ? ['/tmp/escudo-no-such.jsonl'] : []
  const help = startScript(script, ['--help'], {})
  expect((await help.exit).code).toBe(0)
  expect(help.stdout()).toContain('--port')

  const unknown = startScript(script, ['--nope', ...files], {})
  await expectMisuse(unknown)
  expect(unknown.stderr()).toContain('unknown flag --nope')

  const { ports } = await environment()
  const port = ports.dashboard
  const holder = createServer().listen(port, '127.0.0.1')
  try {
    const taken = startScript(script, ['--port', String(port), ...files], {})
    await expectMisuse(taken)
    expect(taken.stderr()).toMatch(new RegExp(`port ${port} is taken; set ESCUDO_[A-Z]+_PORT \\(or --port\\)`))
  } finally {
    holder.close()
  }
})

async function expectMisuse(process: Running): Promise<void> {
  expect(await process.exit).toEqual({ code: 2, signal: null })
  expect(process.stderr().trimEnd().split('\n')).toHaveLength(1)
}
