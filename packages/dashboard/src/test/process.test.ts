import { type ChildProcess, spawn } from 'node:child_process'
import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { freePort } from './setup.ts'

const BIN = new URL('../bin.ts', import.meta.url).pathname

let child: ChildProcess | undefined
afterEach(() => {
  child?.kill('SIGKILL')
})

/** Starts the dashboard and returns once it printed `text`. */
async function start(
  args: readonly string[],
  text: string,
): Promise<{ readonly output: string; readonly pid: number }> {
  const started = spawn(process.execPath, ['--conditions=@escudo/source', BIN, '--no-open', ...args])
  child = started
  let output = ''
  await new Promise<void>((resolve, reject) => {
    const add = (bytes: Buffer): void => {
      output += String(bytes)
      if (output.includes(text)) resolve()
    }
    started.stdout.on('data', add)
    started.stderr.on('data', add)
    started.once('exit', (code) => reject(new Error(`exit ${code}: ${output}`)))
  })
  return { output, pid: started.pid ?? 0 }
}

const temporaryFiles = async (): Promise<readonly string[]> =>
  (await readdir(tmpdir())).filter((name) => /^escudo-dashboard-[\da-f]{8}-/.test(name))

it('takes lines over HTTP, and leaves no file behind even when it is killed', async () => {
  const before = await temporaryFiles()
  const [port, intakePort] = [await freePort(), await freePort()]
  await start(['--port', String(port), '--intake', String(intakePort)], `http://localhost:${port}`)
  const line = {
    timestamp: new Date().toISOString(),
    event: 'http.request',
    service: 'shop',
    status_code: 503,
    trace_id: 't',
  }
  const sent = await fetch(`http://127.0.0.1:${intakePort}/lines`, { method: 'POST', body: JSON.stringify(line) })
  expect(await sent.json()).toEqual({ read: 1, recognised: 1 })
  const summary = await fetch(`http://127.0.0.1:${port}/api/summary`)
  expect(await summary.json()).toMatchObject({ server_errors: 1, files: [{ path: `intake 127.0.0.1:${intakePort}` }] })
  const trace = await fetch(`http://127.0.0.1:${port}/api/traces/t`)
  expect(await trace.json()).toMatchObject({ lines: [{ service: 'shop' }] })
  const exited = new Promise((resolve) => child?.once('exit', resolve))
  child?.kill('SIGKILL')
  await exited
  // Other tests make files too, and remove them again.
  await expect.poll(async () => (await temporaryFiles()).filter((name) => !before.includes(name))).toEqual([])
})

it('exits with the reason when the port of the intake is taken', async () => {
  const taken = createServer()
  const port = await new Promise<number>((resolve) =>
    taken.listen(0, '127.0.0.1', () => resolve((taken.address() as AddressInfo).port)),
  )
  const { output } = await start(['--port', String(await freePort()), '--intake', String(port)], 'is taken')
  expect(output).toContain(`port ${port} is taken; set --intake to use another port`)
  const code = await new Promise((resolve) => child?.once('exit', resolve))
  expect(code).toBe(2)
  await new Promise((resolve) => taken.close(resolve))
})

it('goes on after it was killed from what it stored, and counts what was added since', {
  timeout: 60_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'escudo-restart-'))
  try {
    const path = join(folder, 'shop.jsonl')
    const cache = join(folder, 'cache')
    const line = `${JSON.stringify({ timestamp: new Date().toISOString(), event: 'http.request', status_code: 200 })}\n`
    await writeFile(path, line.repeat(1_000))
    const requests = async (port: number): Promise<number> => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/summary`)
      return ((await answer.json()) as { requests: number }).requests
    }
    const first = await freePort()
    await start(['--port', String(first), '--cache', cache, path], `http://localhost:${first}`)
    expect(await requests(first)).toBe(1_000)
    await vi.waitFor(async () => expect(await readdir(cache)).toHaveLength(1), 20_000)
    child?.kill('SIGKILL')
    await appendFile(path, line.repeat(5))
    const second = await freePort()
    const { output } = await start(['--port', String(second), '--cache', cache, path], `http://localhost:${second}`)
    expect(output).not.toContain('again')
    expect(await requests(second)).toBe(1_005)
    const exited = new Promise((resolve) => child?.once('exit', resolve))
    child?.kill('SIGTERM')
    await exited
    // What was stored at the end holds all lines, so a shorter file cannot be what was read.
    await writeFile(path, line.repeat(7))
    const third = await freePort()
    const again = await start(['--port', String(third), '--cache', cache, path], `http://localhost:${third}`)
    expect(again.output).toContain('read again')
    expect(await requests(third)).toBe(7)
  } finally {
    child?.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
})
