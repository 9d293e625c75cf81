import { type ChildProcess, spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { afterEach, expect, it } from 'vitest'
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
  expect(await temporaryFiles()).toEqual(before)
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
