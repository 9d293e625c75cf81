import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../programs/service.ts', import.meta.url))

export interface Service {
  readonly url: string
  /** The log lines so far. */
  lines(): readonly Readonly<Record<string, unknown>>[]
  /** Everything that was written to the standard error. */
  errors(): string
  /** Ends the process, which sends its last spans. Returns its exit code. */
  stop(): Promise<number | null>
}

const running: ChildProcess[] = []

/** Starts a service in a separate process, as docs/observability.md says: with `--import` and a file of telemetry. */
export async function startService(
  telemetry: string,
  env: Readonly<Record<string, string>>,
  receiver: string,
): Promise<Service> {
  const child = fork(PROGRAM, {
    execArgv: ['--conditions=@escudo/source', '--import', pathToFileURL(telemetry).href],
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      OTEL_SERVICE_NAME: env['SERVICE'],
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  running.push(child)
  let output = ''
  let errors = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk
  })
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (address) => resolve((address as { readonly port: number }).port))
    child.once('exit', (code) => reject(new Error(`the service ended with ${code}: ${errors}`)))
  })
  const lines = () => output.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
  const stop = (): Promise<number | null> => {
    child.kill('SIGTERM')
    return exit
  }
  return { url: `http://127.0.0.1:${port}`, lines, errors: () => errors, stop }
}

/** Ends the services that a test left running, by their ids. */
export function endServices(): void {
  for (const child of running.splice(0)) if (child.exitCode === null) child.kill('SIGKILL')
}
