// The library in real workerd, the runtime of Cloudflare Workers, where a timer ends with the request that set it.
import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle } from '../helpers/bundle.ts'

const ANSWER_MAX_MS = 3_000
const program = workerdProgram()
if (program === undefined)
  console.warn('workerd is not tested: npm has no binary for this platform, or did not install it')

/** The path of the binary; undefined where the package is not installed or has none for this platform. */
function workerdProgram(): string | undefined {
  try {
    return createRequire(import.meta.url)('workerd').default
  } catch {
    return undefined
  }
}

const config = (date: string): string => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
const worker :Workerd.Worker = (
  modules = [(name = "entry.mjs", esModule = embed "entry.mjs")],
  compatibilityDate = "${date}"
);
`

let folder = ''
let worker: ChildProcess | undefined
let origin = ''

/** Starts workerd and waits until it tells its port. */
async function start(date: string): Promise<void> {
  const file = join(folder, 'config.capnp')
  writeFileSync(file, config(date))
  // It reports each request that its client abandons.
  const stdio = ['ignore', 'ignore', 'ignore', 'pipe'] as const
  worker = spawn(program as string, ['serve', file, '--control-fd=3'], { cwd: folder, stdio: [...stdio] })
  for await (const line of createInterface({ input: worker.stdio[3] as Readable })) {
    const { event, port } = JSON.parse(line)
    if (event !== 'listen') continue
    origin = `http://127.0.0.1:${port}`
    return
  }
  throw new Error('workerd ended before it listened')
}

async function answer(path: string, signal: AbortSignal = AbortSignal.timeout(ANSWER_MAX_MS)): Promise<string> {
  const response = await fetch(`${origin}${path}`, { signal })
  return await response.text()
}

/** Starts a request, and ends it by closing its connection once its call waits. */
async function abandon(path: string): Promise<void> {
  const controller = new AbortController()
  const request = answer(path, controller.signal).catch(() => {})
  setTimeout(() => controller.abort(), 60)
  await request
}

// The later date has the modules of Node, the earlier one has none, and so no asynchronous context.
describe.skipIf(program === undefined).each(['2026-10-01', '2024-11-01'])('workerd as of %s', (date) => {
  beforeAll(async () => {
    folder = await bundle('test/workerd/worker.ts')
    await start(date)
  })

  afterAll(() => {
    worker?.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  test('is the runtime that the library recognises', async () => {
    expect(await answer('/runtime')).toBe('Cloudflare-Workers')
  })

  test('a timeout fires after the request that made the first call has ended', async () => {
    expect(await answer('/ok')).toBe('ok')
    expect(await answer('/timeout')).toBe('TIMEOUT')
    expect(await answer('/timeout')).toBe('TIMEOUT')
  })

  test.concurrent.each([
    ['/timeout', 'TIMEOUT'],
    ['/deadline', 'DEADLINE_EXCEEDED'],
    ['/rate-limiter', 'ok'],
    ['/retry', 'ok'],
    ['/hedge', 'ok'],
  ])('%s does not depend on the timer of a request that ends meanwhile', async (path, expected) => {
    const abandoned = [abandon(path), abandon(path), abandon(path)]
    await new Promise((resume) => setTimeout(resume, 30))
    expect(await answer(path)).toBe(expected)
    await Promise.all(abandoned)
    expect(await Promise.all([answer(path), answer(path)])).toEqual([expected, expected])
  })

  test('a wait for a permit of a bulkhead ends, although the call that waits longer has gone', async () => {
    // The first takes the only permit, and its request ends without a result.
    await abandon('/bulkhead')
    const abandoned = abandon('/bulkhead')
    expect(await answer('/bulkhead')).toBe('BULKHEAD_FULL')
    await abandoned
  })

  test('a circuit becomes half-open by time, although the request that opened it has ended', async () => {
    await answer('/trip')
    expect(await answer('/circuit')).toBe('CIRCUIT_OPEN')
    await new Promise((resume) => setTimeout(resume, 180))
    expect(await answer('/circuit')).toBe('ok')
  })
})
