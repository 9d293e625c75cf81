// How a process with waiting lines ends. With real processes.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { startEngine } from './engine.ts'

const urlOf = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** Runs a program that has logged three lines, which wait for a minute. */
function run(url: string, source: string): ChildProcess {
  const program = `
    import { createLogger } from ${urlOf('../../telemetry/pino.ts')}
    import { LogShipper } from ${urlOf('../index.ts')}
    const sink = new LogShipper({ url: ${JSON.stringify(url)}, flushInterval: '60s' })
    const log = createLogger({ service: 's', stdout: false, sink })
    for (const n of [0, 1, 2]) log.info({ n }, 'tick')
    ${source}`
  const args = ['--conditions=@escudo/source', '--input-type=module', '-e', program]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  children.push(child)
  return child
}

test.each([
  ['its natural end', '', 0],
  ['process.exit()', 'process.exit(3)', 3],
  ['an uncaught error', 'throw new Error("broken")', 1],
  ['an unhandled rejection', 'void Promise.reject(new Error("broken"))', 1],
])('%s ships the lines that wait', async (_, source, code) => {
  const engine = await startEngine()
  expect(await once(run(engine.url, source), 'exit')).toEqual([code, null])
  expect(engine.lines().map(({ n }) => n)).toEqual([0, 1, 2])
})

test('a signal that ends the process ships the lines that wait', async () => {
  const engine = await startEngine()
  const child = run(engine.url, `setInterval(() => {}, 1_000); process.stdout.write('ready')`)
  await once(child.stdout as NodeJS.ReadableStream, 'data')
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([null, 'SIGTERM'])
  expect(engine.lines().map(({ n }) => n)).toEqual([0, 1, 2])
})

test('a handled signal ships the lines without blocking the service', async () => {
  const engine = await startEngine()
  const child = run(
    engine.url,
    `setInterval(() => {}, 1_000)
    process.on('SIGTERM', async () => {
      log.info({ waiting: sink.linesWaiting }, 'stopping')
      await sink.flush()
      process.exit(sink.linesWaiting)
    })
    process.stdout.write('ready')`,
  )
  await once(child.stdout as NodeJS.ReadableStream, 'data')
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
  expect(engine.lines().map(({ n }) => n)).toEqual([0, 1, 2, undefined])
  expect(engine.lines().at(-1)).toMatchObject({ event: 'stopping', waiting: 3 })
})

test('an engine that does not answer delays the end by at most three seconds', async () => {
  const engine = await startEngine()
  engine.answer = 'hang'
  const startedMs = performance.now()
  expect(await once(run(engine.url, 'process.exit(0)'), 'exit')).toEqual([0, null])
  expect(performance.now() - startedMs).toBeLessThan(8_000)
})

test('an engine that is down does not keep the process alive', async () => {
  const engine = await startEngine()
  await engine.close()
  const child = run(engine.url, 'setTimeout(() => void sink.flush(10), 10)')
  expect(await once(child, 'exit')).toEqual([0, null])
})
